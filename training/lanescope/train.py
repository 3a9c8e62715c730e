"""The training loop: resumable, within a time budget, on CPU, one GPU or many (torchrun)."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from lanescope.data.bank import Bank
from lanescope.data.batches import Batch, Recipe, collate, make_samples, prefetched
from lanescope.data.compose import Sample
from lanescope.loss import LossConfig, chr_loss
from lanescope.network import Chr, NetworkConfig
from lanescope.validate import score, summarise

CHECKPOINT = "last.pt"


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


class Ema:
    """Exponential moving average of weights and statistics, debiased early on."""

    def __init__(self, network: Chr, decay: float) -> None:
        self.decay, self.count = decay, 0
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    def update(self, network: nn.Module) -> None:
        """Fold the current weights in."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        with torch.no_grad():
            for mine, theirs in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs.to(mine.dtype), 1 - decay)
                else:
                    mine.copy_(theirs)


def learning_rate(progress: float, warmup: float) -> float:
    """Factor on the peak rate: linear warm-up, then cosine to 1 %."""
    if progress < warmup:
        return max(0.02, progress / warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def save_atomically(state: dict[str, Any], file: Path) -> None:
    """A checkpoint is either the old or the new one, never half."""
    temporary = file.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, file)


def load_checkpoint(file: Path) -> dict[str, Any]:
    """Read a checkpoint of this project (they hold plain Python and tensors; only open ones you trust)."""
    options: dict[str, Any] = {"weights_only": False} if "weights_only" in torch.load.__code__.co_varnames else {}
    state: dict[str, Any] = torch.load(file, map_location="cpu", **options)
    return state


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
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if cuda else "cpu"
    if cuda:
        torch.cuda.set_device(device)
    if world > 1 and not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if cuda else "gloo")

    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    state = load_checkpoint(checkpoint) if checkpoint.exists() else None
    if state is not None:
        config = config_from(state)
    torch.manual_seed(config.seed)
    network = Chr(config.network)
    if state is None and prepare is not None:
        prepare(network)
    network = network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    frozen = list(network.backbone.stages)[: config.frozen]
    for stage in frozen:
        stage.requires_grad_(False)
    ema = Ema(network, config.ema)
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    heads = [p for name, p in network.named_parameters() if not name.startswith("backbone.")]
    optimizer = torch.optim.AdamW(
        [{"params": backbone, "factor": config.backbone_factor}, {"params": heads, "factor": 1.0}],
        lr=config.rate,
        weight_decay=config.weight_decay,
    )
    step, spent, seen = 0, 0.0, 0
    if state is not None:
        network.load_state_dict(state["network"])
        ema.network.load_state_dict(state["ema"])
        ema.count = state["ema_count"]
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        step, spent, seen = state["step"], state["spent"], state["seen"]
    model: nn.Module = (
        nn.parallel.DistributedDataParallel(network, device_ids=[torch.device(device)] if cuda else None) if world > 1 else network
    )
    network.train()
    for stage in frozen:
        stage.eval()  # their batch norm keeps its statistics

    def emit(line: dict[str, Any]) -> None:
        if rank:
            return
        with (folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
        if log is not None:
            log(line)

    mixed = config.bf16 and (cuda or _cpu_bf16())
    started = time.monotonic() - spent

    def progress() -> float:
        return step / config.steps if config.steps else (time.monotonic() - started) / (60 * config.minutes)

    def save() -> None:
        if rank == 0:
            save_atomically(
                {
                    "config": asdict(config),
                    "network": network.state_dict(),
                    "ema": ema.network.state_dict(),
                    "ema_count": ema.count,
                    "optimizer": optimizer.state_dict(),
                    "rng": torch.get_rng_state(),
                    "step": step,
                    "spent": time.monotonic() - started,
                    "seen": seen,
                },
                checkpoint,
            )

    def validate() -> None:
        if validation and rank == 0:
            began = time.monotonic()
            figures = summarise(validation, score(ema.network, validation, config.mean, config.std, device=device))
            emit(
                {
                    "step": step,
                    "minutes": round((time.monotonic() - started) / 60, 2),
                    "validation": {k: round(v, 4) for k, v in figures.items()},
                    "validation_s": round(time.monotonic() - began, 1),
                }
            )

    emit(
        {
            "event": "resume" if state else "start",
            "step": step,
            "device": device,
            "world": world,
            "precision": "bf16" if mixed else "fp32",
            "bank": bank.counts(),
            "config": asdict(config),
        }
    )

    def batches(first: int) -> Iterator[Batch]:
        number = first
        while True:
            # Each process draws its own part of the step; progress is read when the batch is made, a few steps early.
            yield collate(
                make_samples(bank, config.recipe, config.seed + 1000 * rank, number, min(1.0, _share(number))), config.mean, config.std
            )
            number += 1

    def _share(number: int) -> float:
        return number / config.steps if config.steps else progress()

    checked = validated = tick = time.monotonic()
    sums: dict[str, float] = {}
    since = 0
    stream = prefetched(batches(step))
    try:
        while (now := _agreed(progress(), world)) < 1 and (stop_after is None or step < stop_after):
            batch = next(stream)
            for group in optimizer.param_groups:
                group["lr"] = config.rate * group["factor"] * learning_rate(now, config.warmup)
            scans = batch.scans.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)
            # Not autocast(enabled=False): torch 1.13 without CUDA fails even to ask.
            with torch.autocast("cuda" if cuda else "cpu", torch.bfloat16) if mixed else contextlib.nullcontext():
                outputs = model(scans)
            terms = chr_loss(outputs, batch.labels.to(device), batch.masks.to(device), config.loss.at(now))
            optimizer.zero_grad(set_to_none=True)
            terms["loss"].backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            ema.update(network)
            step, seen, since = step + 1, seen + len(batch.samples) * world, since + len(batch.samples) * world
            _add(sums, terms)
            if step % 50 == 0:
                clock = time.monotonic()
                emit(
                    {
                        "step": step,
                        "minutes": round((clock - started) / 60, 2),
                        "seen": seen,
                        "scans_s": round(since / (clock - tick), 2),
                        "progress": round(now, 4),
                        "rate": config.rate * learning_rate(now, config.warmup),
                        **{k: round(v / 50, 5) for k, v in sums.items()},
                    }
                )
                sums, since, tick = {}, 0, clock
                if rendered is not None and (added := bank.add_rendered(rendered)):
                    emit({"event": "patches", "step": step, "added": added})
            if (now_s := time.monotonic()) - validated > config.validate_every:
                validate()
                validated = time.monotonic()
                tick += validated - now_s  # throughput is of training alone
            if time.monotonic() - checked > config.checkpoint_every:
                save()
                checked = time.monotonic()
    finally:
        stream.close()  # type: ignore[attr-defined]
    save()
    validate()
    emit({"event": "end", "step": step, "seen": seen, "minutes": round((time.monotonic() - started) / 60, 2)})
    return ema.network.cpu().eval()


def _cpu_bf16() -> bool:
    """Whether bf16 is faster than fp32 on this CPU; torch 1.13's convolutions are not, and fall back to slow paths."""
    if int(torch.__version__.split(".")[0]) < 2 or not Path("/proc/cpuinfo").exists():
        return False
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def _agreed(progress: float, world: int) -> float:
    """The first process's clock, for all: they must stop at the same step."""
    if world == 1:
        return progress
    value = torch.tensor([progress], dtype=torch.float64)
    if torch.distributed.get_backend() == "nccl":
        value = value.cuda()
    torch.distributed.broadcast(value, 0)
    return float(value)


def _add(sums: dict[str, float], terms: dict[str, Tensor]) -> None:
    for name, value in terms.items():
        number = float(value.detach())
        if not np.isfinite(number):
            raise FloatingPointError(f"{name} is {number}")
        sums[name] = sums.get(name, 0.0) + number
