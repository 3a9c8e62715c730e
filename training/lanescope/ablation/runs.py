"""Training and scoring of one cell; what is interrupted goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from lanescope.ablation.data import Batches, MapBatches, Parts, as_input, make_maps, open_parts, pretrained_start, test_blocks
from lanescope.ablation.figures import mean_ap
from lanescope.ablation.plan import Plan, Run
from lanescope.checkpoint import load_checkpoint, save_atomically
from lanescope.loss import LossConfig
from lanescope.measure.pointing import hit, peak_over_scales
from lanescope.network import Chr, NetworkConfig
from lanescope.patch import CLASSES
from lanescope.scoring import fuse
from lanescope.step import Ema, Step, optimizer_for

CHECKPOINT_EVERY = 60.0


def train(network: Chr, batches: Batches, plan: Plan, loss: LossConfig, checkpoint: Path) -> tuple[Chr, float, float]:
    """Train, or continue from the checkpoint.

    Returns:
        the averaged network, the mean loss of the last tenth, and the CPU seconds spent in all.
    """
    network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    ema = Ema(network, plan.ema)
    optimizer = optimizer_for(network, plan.rate, plan.backbone_factor, plan.weight_decay)
    step = Step(network, optimizer, loss, ema, plan.rate, plan.warmup)
    first, tail, spent = 0, [], 0.0
    if checkpoint.exists():
        state = load_checkpoint(checkpoint)
        network.load_state_dict(state["network"])
        ema.network.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        ema.count, first, tail, spent = state["ema_count"], state["step"], state["tail"], state["seconds"]
    began, saved = time.process_time(), time.monotonic()
    for number in range(first, plan.steps):
        scans, labels, masks = (torch.from_numpy(a) for a in batches.take(number))
        value = step(scans, labels, masks if loss.mask_weight else None, number / plan.steps)["loss"]
        if number >= plan.steps * 0.9:
            tail.append(float(value.detach()))
        if time.monotonic() - saved > CHECKPOINT_EVERY:
            seconds = spent + time.process_time() - began
            state = {"network": network.state_dict(), "ema": ema.network.state_dict(), "optimizer": optimizer.state_dict()}
            save_atomically({**state, "ema_count": ema.count, "step": number + 1, "tail": tail, "seconds": seconds}, checkpoint)
            saved = time.monotonic()
    return ema.network, float(np.mean(tail)) if tail else float("nan"), spent + time.process_time() - began


def do_run(folder: Path, plan: Plan, run: Run, log: Callable[[str], None]) -> Path:
    """Train and score one cell, or take its kept scores. Writes `<name>.npz`.

    In it: fused z [N, 5], levels [N, L, 5] (finest first), labels (1 / 0), hits (1 / 0, -1 no box).
    """
    file = run.file(folder, plan)
    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = open_parts(folder, plan)
    start = pretrained_start(folder, plan, parts)
    torch.manual_seed(run.seed)
    config = NetworkConfig(plan.backbone, run.variant, 3, plan.pooling, fusion=plan.fusion)
    network = Chr(config)
    network.backbone.load_state_dict(start)
    negatives = plan.positives * run.ratio
    if plan.frozen:
        maps = make_maps(folder, plan, parts, start)
        network.backbone.stages[0] = torch.nn.Identity()  # its maps are the input
        batches: Batches = MapBatches(maps, parts.train_positive, parts.train_negative, negatives, plan.batch, run.seed)
        test = [maps.test[i : i + 200].astype(np.float32) for i in range(0, len(maps.test), 200)]
    else:
        batches = Batches(parts.train_positive, parts.train_negative, negatives, plan.batch, run.seed)
        test = [as_input(block) for block in test_blocks(parts)]
    loss = LossConfig(
        balance=config.balances,
        epsilon=plan.epsilon,
        mask_weight=1.0 if run.masks else 0.0,
        balance_from=plan.warm if run.warm else 0.0,
    )
    checkpoint = file.with_suffix(".pt")
    trained, last, seconds = train(network, batches, plan, loss, checkpoint)
    levels, labels, hits = score(trained, test, parts, plan)
    z = fuse(levels, plan.fusion)
    partial = file.with_suffix(".part.npz")
    np.savez(partial, z=z, levels=levels, labels=labels, hits=hits, seconds=seconds, loss=last)
    partial.replace(file)
    checkpoint.unlink(missing_ok=True)
    log(f"{run.name}: loss {last:.4f}, {seconds:.0f} s of CPU, mAP at its ratio {mean_ap(z, labels, run.ratio):.3f}")
    return file


def score(network: Chr, test: list[np.ndarray], parts: Parts, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test blocks -> logits float32 [P + N, L, 5], labels (1 / 0), pointing hits int8 [P, 5] (1 / 0, -1 no box; the paper's peak, 5.3)."""
    network.eval()
    z: list[np.ndarray] = []
    hits: list[list[int]] = []
    boxes = parts.test_positive.boxes
    with torch.no_grad():
        for block in test:
            out = network(torch.from_numpy(block))
            first = sum(len(one) for one in z)
            z.append(out["logits"].numpy())
            cams = [c.numpy() for c in out["cams"]]
            for i in range(min(len(block), len(boxes) - first)):
                own = [[b[1:] for b in boxes[first + i] if b[0] == name] for name in CLASSES]
                hits.append([hit(*peak_over_scales([c[i, k] for c in cams], plan.size), b) for k, b in enumerate(own)])
    labels = np.concatenate([parts.test_positive.labels, parts.test_negative.labels])
    return np.concatenate(z), labels, np.array(hits, np.int8)
