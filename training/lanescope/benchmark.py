"""The paper's ablation on simulated SIXray: base, H, HR, CH and CHR at 10 and 100 negatives a positive, by one command.

What is the same for all variants of a seed: the scans and their order, the flips, the number of scans seen, the optimiser, and the
start, a `base` network taken from Open Images weights through the balanced part (every positive and as many negatives), as the paper
starts from ImageNet; without that, a hundredth of this budget's scans would be too few positives to learn from at all. From there the
first stage (to stride 8) stays as the start left it, so that its maps are computed once and shared; everything above it
trains. What differs is the variant alone. Test scans hold other objects than training scans.

The test set is one: P positives and N negatives. At R negatives a positive each negative scan counts R P / N times, which gives the
expected average precision at that ratio without simulating a hundred thousand bags for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lanescope.metrics import Ranking, bootstrap, in_any_box, interval
from lanescope.patch import CLASSES
from lanescope.simulated_sixray import Part, fill_part, open_part

VARIANTS = ("base", "H", "HR", "CH", "CHR")
START = "start"
"""The common start itself, not trained further: what the imbalanced sets add or take."""
REPLICATES = 500


@dataclass(frozen=True)
class Plan:
    """All that decides the table's numbers (with the seeds)."""

    size: int = 96
    backbone: str = "mobilenet_v2"
    pooling: str = "lse"
    positives: int = 2_000
    test_positives: int = 500
    test_negatives: int = 5_000
    pool: int = 20_000
    """Distinct negatives simulated for training at most: beyond, the ratio is kept by showing them again (each ten times at 100)."""
    batch: int = 64
    start_scans: int = 25_600
    """Scans seen by the start, on the balanced part."""
    scans: int = 12_800
    """Scans seen by each variant."""
    start_rate: float = 1e-3
    rate: float = 1e-3
    epsilon: float = 0.1


@dataclass(frozen=True)
class Run:
    """One cell of the table."""

    variant: str
    ratio: int
    seed: int
    masks: bool = False
    """Supervised with masks as well as image labels."""
    late: bool = False
    """Easy negatives are dropped in the second half of the training only: tests whether young levels starve without them."""

    def file(self, folder: Path, plan: Plan) -> Path:
        """Where its scores are kept: runs of different budgets share scans and start, not results."""
        return folder / f"scans-{plan.scans}" / f"{self.name}.npz"

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.ratio}-seed{self.seed}{'-masks' if self.masks else ''}{'-late' if self.late else ''}"


# --- data ------------------------------------------------------------------------------------------------------------------------


def prepare_data(folder: Path, plan: Plan, ratio: int, log: Callable[[str], None]) -> None:
    """Simulate what a ratio needs and is not there yet."""
    fill_part(folder, "train-positive", plan.positives, plan.size, log)
    fill_part(folder, "test-positive", plan.test_positives, plan.size, log)
    fill_part(folder, "test-negative", plan.test_negatives, plan.size, log)
    fill_part(folder, "train-negative", min(plan.pool, plan.positives * ratio), plan.size, log, room=plan.pool)


class Batches:
    """Training batches of P positives and R P negatives: epochs in a seeded order that does not depend on the variant.

    Where fewer negatives exist than an epoch asks for, they come round again.
    """

    def __init__(self, positive: Part, negative: Part, negatives: int, batch: int, seed: int) -> None:
        self.positive, self.negative = positive, negative
        self.total, self.batch, self.seed = len(positive) + negatives, batch, seed

    def rows(self, step: int) -> np.ndarray:
        """Indices of one step's scans; below P a positive, from P on a negative."""
        at = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs = at // self.total
        return np.concatenate(
            [np.random.default_rng([self.seed, int(e)]).permutation(self.total)[at[epochs == e] % self.total] for e in np.unique(epochs)]
        )

    def take(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """float32 scans [N, 3, S, S] in [-1, 1], labels int64 [N, 5], masks float32 [N, 5, S / 4, S / 4], flipped and dimmed at random."""
        rows = self.rows(step)
        p = len(self.positive)
        is_positive = rows < p
        size, cells = self.positive.scans.shape[1], self.positive.masks.shape[1]
        scans = np.empty((len(rows), size, size, 3), np.uint8)
        scans[is_positive] = self.positive.scans[rows[is_positive]]
        scans[~is_positive] = self.negative.scans[(rows[~is_positive] - p) % len(self.negative)]
        labels = np.zeros((len(rows), len(CLASSES)), np.int64)
        labels[is_positive] = self.positive.labels[rows[is_positive]]
        covered = np.zeros((len(rows), cells, cells), np.uint8)
        covered[is_positive] = self.positive.masks[rows[is_positive]]
        rng = np.random.default_rng([self.seed, 1, step])
        for i, way in enumerate(rng.integers(0, 8, len(rows))):
            scans[i], covered[i] = _turn(scans[i], way), _turn(covered[i], way)
        dim = rng.uniform(0.85, 1.15, (len(rows), 1, 1, 1)).astype(np.float32)
        return _as_input(scans, dim), labels, _planes(covered)


def _as_input(scans: np.ndarray, dim: np.ndarray | float = 1.0) -> np.ndarray:
    """uint8 [N, S, S, 3] -> float32 [N, 3, S, S]."""
    return np.ascontiguousarray(_values(scans, dim).transpose(0, 3, 1, 2))


def _values(scans: np.ndarray, dim: np.ndarray | float) -> np.ndarray:
    """uint8 [N, S, S, 3] -> float32 in about [-1, 1]: white stays white, what is dark grows darker or lighter by `dim`."""
    return 1 - 2 * dim * (1 - scans.astype(np.float32) / 255)


def _planes(covered: np.ndarray) -> np.ndarray:
    """uint8 class planes [N, h, w] -> float32 [N, 5, h, w]."""
    return (covered[:, None] == np.arange(1, len(CLASSES) + 1)[None, :, None, None]).astype(np.float32)


def _turn(image: np.ndarray, way: int) -> np.ndarray:
    """One of a square's eight symmetries."""
    if way & 4:
        image = image.swapaxes(0, 1)
    return image[:: -1 if way & 1 else 1, :: -1 if way & 2 else 1].copy()


# --- training --------------------------------------------------------------------------------------------------------------------


def train(network, batches: Batches, steps: int, rate: float, loss, first_half=None) -> float:
    """Train in place; returns the mean loss of the last tenth. AdamW, warm-up over 5 %, cosine to zero.

    loss, first_half: `LossConfig` of the run, and another one for its first half.
    """
    import torch

    from lanescope.loss import chr_loss
    from lanescope.train import learning_rate

    network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02)
    tail = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * learning_rate(step / steps, 0.05)
        scans, labels, masks = (torch.from_numpy(a) for a in batches.take(step))
        scans = scans.contiguous(memory_format=torch.channels_last)  # a quarter faster on a CPU
        now = first_half if first_half is not None and step < steps / 2 else loss
        value = chr_loss(network(scans), labels, masks if now.mask_weight else None, now)["loss"]
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        if step >= steps * 0.9:
            tail.append(float(value.detach()))
    return float(np.mean(tail))


def make_start(folder: Path, plan: Plan, seed: int, log: Callable[[str], None]) -> Path:
    """The seed's common start, trained once."""
    import torch

    from lanescope import pretrained
    from lanescope.loss import LossConfig
    from lanescope.network import Chr, NetworkConfig

    file = folder / f"start-seed{seed}.pt"
    if not file.exists():
        torch.manual_seed(seed)
        network = Chr(NetworkConfig(plan.backbone, "base", 3, plan.pooling))
        positive, negative = open_part(folder, "train-positive", plan.size), open_part(folder, "train-negative", plan.size)
        if plan.backbone == "mobilenet_v2":
            few = np.concatenate([positive.scans[:32], negative.scans[:32]])
            layers = torch.load(pretrained.fetch(folder.parent / "start"))
            pretrained.start_from(network.backbone, layers, torch.from_numpy(_as_input(few)))
        batches = Batches(positive, negative, plan.positives, plan.batch, seed + 1000)
        began = time.process_time()
        last = train(network, batches, plan.start_scans // plan.batch, plan.start_rate, LossConfig(balance="none"))
        torch.save({"state": network.state_dict(), "seconds": time.process_time() - began, "loss": last}, file)
        log(f"start seed {seed}: loss {last:.4f}, {time.process_time() - began:.0f} s of CPU")
    return file


@dataclass
class Maps:
    """The frozen first stage's maps."""

    positive: np.ndarray
    """float16 [8 P, c, h, w]: each positive in its eight turns, copy k of scan i at k P + i."""
    masks: np.ndarray
    """uint8 [8 P, S / 4, S / 4]"""
    negative: np.ndarray
    """float16 [N, c, h, w], each in one random turn."""
    test: np.ndarray
    """float16 [P' + N', c, h, w], as they are."""


def make_maps(folder: Path, plan: Plan, seed: int, start: Path) -> Maps:
    """Run the start's first stage over all scans there are; kept while the sets do not grow."""
    import torch

    from lanescope.network import Chr, NetworkConfig

    parts = {name: open_part(folder, name, plan.size) for name in ("train-positive", "train-negative", "test-positive", "test-negative")}
    file = folder / f"maps-seed{seed}.npz"
    if file.exists():
        with np.load(file) as kept:
            if len(kept["negative"]) == len(parts["train-negative"]):
                return Maps(*(kept[k] for k in ("positive", "masks", "negative", "test")))
    network = Chr(NetworkConfig(plan.backbone, "base", 3, plan.pooling))
    network.load_state_dict(torch.load(start, map_location="cpu")["state"])
    stage = network.eval().backbone.stages[0].to(memory_format=torch.channels_last)
    rng = np.random.default_rng([seed, 2])

    def through(scans: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            # the transposed view is channels-last already
            return stage(torch.from_numpy(scans.transpose(0, 3, 1, 2))).numpy().astype(np.float16)

    def turned(part: Part, way: int | None) -> tuple[np.ndarray, np.ndarray]:
        maps, masks = [], []
        for first in range(0, len(part), 200):
            block = part.scans[first : first + 200]
            ways = rng.integers(0, 8, len(block)) if way is None else np.full(len(block), way)
            dim = rng.uniform(0.85, 1.15, (len(block), 1, 1, 1)).astype(np.float32)
            scans = np.stack([_turn(s, w) for s, w in zip(block, ways, strict=True)])
            maps.append(through(_values(scans, dim)))
            masks += [_turn(m, w) for m, w in zip(part.masks[first : first + 200], ways, strict=False)]
        return np.concatenate(maps), np.array(masks)

    copies = [turned(parts["train-positive"], way) for way in range(8)]
    negative, _ = turned(parts["train-negative"], None)
    test = [
        through(_values(p.scans[i : i + 200], np.ones((1, 1, 1, 1), np.float32)))
        for p in (parts["test-positive"], parts["test-negative"])
        for i in range(0, len(p), 200)
    ]
    made = Maps(np.concatenate([c[0] for c in copies]), np.concatenate([c[1] for c in copies]), negative, np.concatenate(test))
    partial = file.with_suffix(".part.npz")
    np.savez(partial, positive=made.positive, masks=made.masks, negative=made.negative, test=made.test)
    partial.replace(file)
    return made


class MapBatches(Batches):
    """The same batches in the same order, as the frozen stage's maps."""

    def __init__(self, maps: Maps, positive: Part, negative: Part, negatives: int, batch: int, seed: int) -> None:
        super().__init__(positive, negative, negatives, batch, seed)
        self.maps = maps

    def take(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """float32 maps [N, c, h, w], labels int64 [N, 5], masks float32 [N, 5, S / 4, S / 4]."""
        rows, p = self.rows(step), len(self.positive)
        is_positive = rows < p
        copies = np.random.default_rng([self.seed, 1, step]).integers(0, 8, len(rows))[is_positive] * p + rows[is_positive]
        maps = np.empty((len(rows), *self.maps.negative.shape[1:]), np.float32)
        maps[is_positive] = self.maps.positive[copies]
        maps[~is_positive] = self.maps.negative[(rows[~is_positive] - p) % len(self.maps.negative)]
        labels = np.zeros((len(rows), len(CLASSES)), np.int64)
        labels[is_positive] = self.positive.labels[rows[is_positive]]
        covered = np.zeros((len(rows), *self.maps.masks.shape[1:]), np.uint8)
        covered[is_positive] = self.maps.masks[copies]
        return maps, labels, _planes(covered)


def do_run(folder: Path, plan: Plan, run: Run, log: Callable[[str], None]) -> Path:
    """Train and score one cell, or take its kept scores. Writes `<name>.npz`.

    In it: fused z [N, 5], levels [N, L, 5] (finest first), labels (1 / 0), hits (1 / 0, -1 no box).
    """
    import torch

    from lanescope.loss import LossConfig
    from lanescope.network import Chr, NetworkConfig

    file = run.file(folder, plan)
    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    start_file = make_start(folder, plan, run.seed, log)
    start = torch.load(start_file, map_location="cpu")["state"]
    maps = make_maps(folder, plan, run.seed, start_file)
    torch.manual_seed(run.seed)
    config = NetworkConfig(plan.backbone, "base" if run.variant == START else run.variant, 3, plan.pooling)
    network = Chr(config)
    network.backbone.load_state_dict({k.removeprefix("backbone."): v for k, v in _backbone(start, network).items()})
    network.classifiers[-1].load_state_dict({k: start[f"classifiers.0.{k}"] for k in ("weight", "bias")})
    network.backbone.stages[0] = torch.nn.Identity()  # its maps are the input
    positive, negative = open_part(folder, "train-positive", plan.size), open_part(folder, "train-negative", plan.size)
    batches = MapBatches(maps, positive, negative, plan.positives * run.ratio, plan.batch, run.seed)
    loss = LossConfig(balance=config.balances, epsilon=plan.epsilon, mask_weight=1.0 if run.masks else 0.0)
    began = time.process_time()
    last = float("nan")
    if run.variant != START:
        last = train(network, batches, plan.scans // plan.batch, plan.rate, loss, replace(loss, balance="none") if run.late else None)
    seconds = time.process_time() - began
    levels, labels, hits = score(network, maps.test, folder, plan)
    z = levels.mean(axis=1)  # the prediction of every variant here (`Chr.fuse`)
    partial = file.with_suffix(".part.npz")
    np.savez(partial, z=z, levels=levels, labels=labels, hits=hits, seconds=seconds, loss=last)
    partial.replace(file)
    log(f"{run.name}: loss {last:.4f}, {seconds:.0f} s of CPU, mAP at its ratio {mean_ap(z, labels, run.ratio):.3f}")
    return file


def _backbone(start: dict, network) -> dict:
    """The start's backbone under this network's names (both are cut into the same stages)."""
    found = {k: v for k, v in start.items() if k.startswith("backbone.")}
    expected = {f"backbone.{k}" for k in network.backbone.state_dict()}
    if found.keys() != expected:
        raise ValueError("the start's backbone is cut differently")
    return found


def score(network, test: np.ndarray, folder: Path, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test maps -> logits float32 [P + N, L, 5], labels (1 / 0), pointing hits int8 [P, 5] (1 / 0, -1 no box)."""
    import torch

    from lanescope.scoring import peaks

    network.eval()
    z, hits = [], []
    positive, negative = (open_part(folder, f"test-{kind}", plan.size) for kind in ("positive", "negative"))
    with torch.no_grad():
        for first in range(0, len(test), 250):
            out = network(torch.from_numpy(test[first : first + 250].astype(np.float32)))
            z.append(out["logits"].numpy())
            cams = [c.numpy() for c in out["cams"]]
            for i in range(min(len(z[-1]), len(positive) - first)):
                over = peaks([c[i] for c in cams], plan.size)[1]
                own = [[b[1:] for b in positive.boxes[first + i] if b[0] == name] for name in CLASSES]
                hits.append([int(in_any_box(float(over[k][0]), float(over[k][1]), b)) if b else -1 for k, b in enumerate(own)])
    labels = np.concatenate([positive.labels, negative.labels])
    return np.concatenate(z), labels, np.array(hits, np.int8)


# --- figures ---------------------------------------------------------------------------------------------------------------------


def _weights(labels: np.ndarray, ratio: float) -> np.ndarray:
    """How often each test scan counts at R negatives a positive."""
    positive = (labels > 0).any(axis=1)
    return np.where(positive, 1.0, ratio * positive.sum() / max(1, (~positive).sum()))


def mean_ap(z: np.ndarray, labels: np.ndarray, ratio: float, times: np.ndarray | None = None) -> float | np.ndarray:
    """VOC average precision at R negatives a positive, mean over classes; times: [B, N] of a bootstrap -> [B]."""
    weights = _weights(labels, ratio)
    times = np.ones((1, len(z))) if times is None else times
    values = []
    for c in range(labels.shape[1]):
        ranking = Ranking(z[:, c], labels[:, c])
        values.append(ranking.average_precision((times * weights)[:, ranking.kept], "voc-all"))
    mean = np.nanmean(values, axis=0)
    return float(mean[0]) if len(times) == 1 else mean


def mean_pointing(hits: np.ndarray, times: np.ndarray | None = None) -> float | np.ndarray:
    """Pointing accuracy, mean over classes; times: [B, P] -> [B]."""
    times = np.ones((1, len(hits))) if times is None else times
    with np.errstate(invalid="ignore"):
        mean = np.nanmean((times @ (hits > 0)) / (times @ (hits >= 0)), axis=1)
    return float(mean[0]) if len(times) == 1 else mean


@dataclass
class Cell:
    """A cell's figure over its seeds, with the bootstrap's draws for paired differences."""

    value: float
    draws: np.ndarray
    seeds: list[float]

    def text(self) -> str:
        low, high = interval(self.draws)
        spread = f" (seeds {', '.join(f'{100 * s:.1f}' for s in self.seeds)})" if len(self.seeds) > 1 else ""
        return f"{100 * self.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]{spread}"

    def minus(self, other: Cell) -> Cell:
        return Cell(self.value - other.value, self.draws - other.draws, [a - b for a, b in zip(self.seeds, other.seeds, strict=False)])


def cells(folder: Path, plan: Plan, runs: Sequence[Run], test_ratio: int, level: int | None = None) -> dict[str, Cell]:
    """`ap` and `pointing` over the seeds of one (variant, ratio); test scans are redrawn, positives and negatives each.

    level: `ap` of one level's own scores (0 the finest) instead of the levels' mean.
    """
    kept = [dict(np.load(r.file(folder, plan))) for r in runs]
    if level is not None:
        kept = [{**one, "z": one["levels"][:, level]} for one in kept]
    labels = kept[0]["labels"]
    positives = len(kept[0]["hits"])
    negatives = len(labels) - positives

    def times(part: int, seed: int) -> np.ndarray:
        return bootstrap(lambda w: w, np.arange(part), part, REPLICATES, seed)

    up = times(positives, 1)
    ap_draws = [np.empty(REPLICATES) for _ in kept]
    down = times(negatives, 2)
    for first in range(0, REPLICATES, 50):
        rows = slice(first, first + 50)
        both = np.concatenate([up[rows], down[rows]], axis=1)
        for k, one in enumerate(kept):
            ap_draws[k][rows] = mean_ap(one["z"], labels, test_ratio, both)
    ap = [float(mean_ap(one["z"], labels, test_ratio)) for one in kept]
    point = [float(mean_pointing(one["hits"])) for one in kept]
    point_draws = [np.asarray(mean_pointing(one["hits"], up)) for one in kept]
    return {
        "ap": Cell(float(np.mean(ap)), np.mean(ap_draws, axis=0), ap),
        "pointing": Cell(float(np.mean(point)), np.mean(point_draws, axis=0), point),
    }


# --- time ------------------------------------------------------------------------------------------------------------------------


def time_ratio(backbone: str, size: int, repetitions: int, folder: Path) -> dict[str, float | int | str | list[float]]:
    """CHR's time a scan over its backbone's in ONNX Runtime: one thread, one run, the two taking turns; median and bootstrap interval."""
    import onnxruntime
    import torch

    from lanescope.export import export_onnx
    from lanescope.network import Chr, NetworkConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {}
    for variant in ("base", "CHR"):
        torch.manual_seed(0)
        file = folder / f"time-{backbone}-{variant}-{size}.onnx"
        export_onnx(Chr(NetworkConfig(backbone, variant)), file, size)
        sessions[variant] = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        file.unlink()
    scan = {"scan": np.random.default_rng(0).normal(size=(1, 3, size, size)).astype(np.float32)}
    taken: dict[str, list[float]] = {"base": [], "CHR": []}
    for repetition in range(repetitions + 5):
        for variant in ("base", "CHR") if repetition % 2 else ("CHR", "base"):
            # the thread's own CPU time: other work on a shared machine does not count
            began = time.thread_time()
            sessions[variant].run(None, scan)
            if repetition >= 5:
                taken[variant].append(time.thread_time() - began)
    base, chr_ = (np.array(taken[v]) for v in ("base", "CHR"))
    picks = np.random.default_rng(0).integers(0, len(base), (1000, len(base)))
    low, high = interval(np.median(chr_[picks], axis=1) / np.median(base[picks], axis=1))
    return {
        "backbone": backbone,
        "size": size,
        "repetitions": repetitions,
        "base_ms": float(np.median(base) * 1e3),
        "chr_ms": float(np.median(chr_) * 1e3),
        "ratio": float(np.median(chr_) / np.median(base)),
        "interval": [low, high],
    }


def save_json(value: object, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
