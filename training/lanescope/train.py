"""The training loop: resumable, within a time budget, on CPU, one GPU or many (torchrun)."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor, nn

from lanescope.checkpoint import load_checkpoint, save_atomically
from lanescope.data.bank import Bank
from lanescope.data.batches import Batch, Recipe, collate, make_samples, prefetched
from lanescope.loss import LossConfig
from lanescope.measure.sample import Sample
from lanescope.network import Chr, NetworkConfig
from lanescope.step import Ema, Step, learning_rate, mixed_precision, optimizer_for
from lanescope.validate import score, summarise

CHECKPOINT = "last.pt"
LOG_EVERY = 50
"""Steps between two lines of the log."""


@dataclass(frozen=True)
class TrainConfig:
    """One run. Stored in every checkpoint; a resumed run keeps the checkpoint's."""

    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(pooling="lse"))
    loss: LossConfig = field(default_factory=lambda: LossConfig(mask_weight=1.0))
    recipe: Recipe = field(default_factory=Recipe)
    minutes: float = 50.0
    """Time budget; the schedule is a function of the share that is spent."""
    steps: int | None = None
    """Instead of the time budget: the number of steps (then a run is reproducible to the bit on one machine)."""
    seed: int = 0
    rate: float = 2e-3
    """AdamW's learning rate at its peak, for the heads; the backbone gets `backbone_factor` of it."""
    backbone_factor: float = 0.4
    frozen: int = 0
    """Backbone stages, finest first, that stay as the start left them: the finest costs as much as the rest together."""
    bf16: bool = True
    """Mixed precision: always worth it on CUDA, on a CPU where its instructions know bf16 (AVX-512) and torch is 2 or later."""
    weight_decay: float = 0.02
    warmup: float = 0.03
    ema: float = 0.997
    checkpoint_every: float = 150.0
    validate_every: float = 300.0
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    start: str = "random"
    """In words, for the manifest."""


def config_from(state: dict[str, Any]) -> TrainConfig:
    """Rebuild a run's configuration from a checkpoint; one of before a choice had a name keeps what it was trained with."""
    stored = dict(state["config"])
    network, loss = {"refine": "bounded", **stored["network"]}, dict(stored["loss"])
    if network.get("rounds"):
        network["refine"] = "own"
    if "balance_from" not in loss and loss["balance"] == "hierarchical":
        loss["balance"] = "shifted"
    stored["network"], stored["loss"] = NetworkConfig(**network), LossConfig(**loss)
    stored["recipe"] = Recipe(**stored["recipe"])
    return TrainConfig(**stored)


def network_from(file: Path) -> tuple[Chr, TrainConfig, dict[str, Any]]:
    """The averaged network of a checkpoint, ready for evaluation or export."""
    state = load_checkpoint(file)
    config = config_from(state)
    network = Chr(config.network)
    network.load_state_dict(state["ema"])
    return network.eval(), config, state


class Trainer:
    """One process of a run: its network, where it stands, what it writes down."""

    def __init__(self, config: TrainConfig, folder: Path, prepare: Callable[[Chr], None] | None = None) -> None:
        """A fresh run, or the one that `folder/last.pt` holds: then the checkpoint's configuration wins."""
        self.rank, self.world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        cuda = torch.cuda.is_available()
        self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if cuda else "cpu"
        if cuda:
            torch.cuda.set_device(self.device)
        if self.world > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if cuda else "gloo")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.checkpoint = folder, folder / CHECKPOINT
        state = load_checkpoint(self.checkpoint) if self.checkpoint.exists() else None
        self.resumed = state is not None
        self.config = config = config if state is None else config_from(state)
        torch.manual_seed(config.seed)
        network = Chr(config.network)
        if state is None and prepare is not None:
            prepare(network)
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        frozen = list(network.backbone.stages)[: config.frozen]
        for stage in frozen:
            stage.requires_grad_(False)
        self.ema = Ema(network, config.ema)
        self.optimizer = optimizer_for(network, config.rate, config.backbone_factor, config.weight_decay)
        self.number, self.spent, self.seen = 0, 0.0, 0
        if state is not None:
            self._restore(state)
        model: nn.Module | None = None
        if self.world > 1:
            model = nn.parallel.DistributedDataParallel(network, device_ids=[torch.device(self.device)] if cuda else None)
        network.train()
        for stage in frozen:
            stage.eval()  # their batch norm keeps its statistics
        self.mixed = config.bf16 and mixed_precision(self.device)
        self.step = Step(
            network, self.optimizer, config.loss, self.ema, config.rate, config.warmup, self.device, self.mixed, model
        )
        self.started = time.monotonic() - self.spent

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.ema.network.load_state_dict(state["ema"])
        self.ema.count = state["ema_count"]
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        self.number, self.spent, self.seen = state["step"], state["spent"], state["seen"]

    def save(self) -> None:
        """Write the checkpoint (the first process alone)."""
        if self.rank == 0:
            save_atomically(
                {
                    "config": asdict(self.config),
                    "network": self.network.state_dict(),
                    "ema": self.ema.network.state_dict(),
                    "ema_count": self.ema.count,
                    "optimizer": self.optimizer.state_dict(),
                    "rng": torch.get_rng_state(),
                    "step": self.number,
                    "spent": time.monotonic() - self.started,
                    "seen": self.seen,
                },
                self.checkpoint,
            )

    @property
    def minutes(self) -> float:
        """Spent so far, in all sittings."""
        return round((time.monotonic() - self.started) / 60, 2)

    def progress(self) -> float:
        """Share of the run that is done, by steps or by the clock."""
        done = self.number / self.config.steps if self.config.steps else (time.monotonic() - self.started) / (60 * self.config.minutes)
        return _agreed(done, self.world)

    def validate(self, samples: list[Sample]) -> dict[str, Any]:
        """The averaged network's figures on fixed samples, as a line of the log."""
        began = time.monotonic()
        figures = summarise(samples, score(self.ema.network, samples, self.config.mean, self.config.std, device=self.device))
        return {
            "step": self.number,
            "minutes": self.minutes,
            "validation": {k: round(v, 4) for k, v in figures.items()},
            "validation_s": round(time.monotonic() - began, 1),
        }

    def batches(self, bank: Bank) -> Iterator[Batch]:
        """Batches from the next step on. Each process draws its own part of a step; the clock is read a few early."""
        config, number = self.config, self.number
        while True:
            share = number / config.steps if config.steps else (time.monotonic() - self.started) / (60 * config.minutes)
            samples = make_samples(bank, config.recipe, config.seed + 1000 * self.rank, number, min(1.0, share))
            yield collate(samples, config.mean, config.std)
            number += 1

    def take(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """One step; returns the loss's terms."""
        terms = self.step(batch.scans, batch.labels, batch.masks, progress)
        self.number, self.seen = self.number + 1, self.seen + len(batch.samples) * self.world
        return terms


class Tally:
    """Means of the loss's terms and throughput since the last line of the log."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.scans, self.since = 0, time.monotonic()

    def add(self, terms: dict[str, Tensor], scans: int) -> None:
        """Raises FloatingPointError where a term is not finite: nothing good can come after."""
        for name, value in terms.items():
            number = float(value.detach())
            if not math.isfinite(number):
                raise FloatingPointError(f"{name} is {number}")
            self.sums[name] = self.sums.get(name, 0.0) + number
            self.counts[name] = self.counts.get(name, 0) + 1
        self.scans += scans

    def line(self) -> dict[str, float]:
        """What has been counted."""
        means = {k: round(v / self.counts[k], 5) for k, v in self.sums.items()}
        return {"scans_s": round(self.scans / max(1e-9, time.monotonic() - self.since), 2), **means}


def train(
    config: TrainConfig,
    bank: Bank,
    validation: list[Sample],
    folder: Path,
    *,
    prepare: Callable[[Chr], None] | None = None,
    stop_after: int | None = None,
    rendered: Path | None = None,
    log: Callable[[dict[str, Any]], None] | None = None,
) -> Chr:
    """Train, or continue from `folder/last.pt`.

    Args:
        config: used for a fresh run; a checkpoint's own configuration wins.
        bank: training ingredients.
        validation: fixed samples (may be empty).
        folder: checkpoints and `log.jsonl`.
        prepare: called once on a fresh network (pretrained start).
        stop_after: stop (with a checkpoint) after that many steps in all; for tests of resuming.
        rendered: folder in which the simulator's patch files may still appear.
        log: called with every line of the log as well.

    Returns:
        the averaged network, in eval mode, on the CPU.
    """
    cv2.setNumThreads(1)
    run = Trainer(config, folder, prepare)
    config = run.config

    def emit(line: dict[str, Any]) -> None:
        if run.rank:
            return
        with (folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
        if log is not None:
            log(line)

    precision = "bf16" if run.mixed else "fp32"
    head = {"event": "resume" if run.resumed else "start", "step": run.number, "device": run.device, "world": run.world}
    emit({**head, "precision": precision, "bank": bank.counts(), "config": asdict(config)})
    watched = validation if run.rank == 0 else []
    checked = validated = time.monotonic()
    tally = Tally()
    stream = prefetched(run.batches(bank))
    try:
        while (now := run.progress()) < 1 and (stop_after is None or run.number < stop_after):
            batch = next(stream)
            tally.add(run.take(batch, now), len(batch.samples) * run.world)
            if run.number % LOG_EVERY == 0:
                where = {"step": run.number, "minutes": run.minutes, "seen": run.seen, "progress": round(now, 4)}
                emit({**where, "rate": config.rate * learning_rate(now, config.warmup), **tally.line()})
                tally = Tally()
                if rendered is not None and (added := bank.add_rendered(rendered)):
                    emit({"event": "patches", "step": run.number, "added": added})
            if (before := time.monotonic()) - validated > config.validate_every:
                if watched:
                    emit(run.validate(watched))
                validated = time.monotonic()
                tally.since += validated - before  # throughput is of training alone
            if time.monotonic() - checked > config.checkpoint_every:
                run.save()
                checked = time.monotonic()
    finally:
        stream.close()  # type: ignore[attr-defined]
    run.save()
    if watched:
        emit(run.validate(watched))
    emit({"event": "end", "step": run.number, "seen": run.seen, "minutes": run.minutes})
    return run.ema.network.cpu().eval()


def _agreed(progress: float, world: int) -> float:
    """The first process's clock, for all: they must stop at the same step."""
    if world == 1:
        return progress
    value = torch.tensor([progress], dtype=torch.float64)
    if torch.distributed.get_backend() == "nccl":
        value = value.cuda()
    torch.distributed.broadcast(value, 0)
    return float(value)
