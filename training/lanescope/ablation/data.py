"""The ablation's scans: batches in an order that does not depend on the variant, and the frozen first stage's maps of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lanescope import pretrained
from lanescope.ablation.plan import Plan
from lanescope.network import Chr, NetworkConfig
from lanescope.patch import CLASSES
from lanescope.simulated_sixray import Part, fill_part, open_part

TURNS = 4
"""Ways in which a scan is shown: its flips."""


@dataclass
class Parts:
    """The four parts of a plan."""

    train_positive: Part
    train_negative: Part
    test_positive: Part
    test_negative: Part


def prepare_data(folder: Path, plan: Plan, ratio: int, log: Callable[[str], None]) -> None:
    """Simulate what a ratio needs and is not there yet."""
    fill_part(folder, "train-positive", plan.positives, plan.size, log)
    fill_part(folder, "test-positive", plan.test_positives, plan.size, log)
    fill_part(folder, "test-negative", plan.test_negatives, plan.size, log)
    fill_part(folder, "train-negative", min(plan.pool, plan.positives * ratio), plan.size, log, room=plan.pool)


def open_parts(folder: Path, plan: Plan) -> Parts:
    """As many scans of each part as the plan has; what more there is stays unused."""

    def of(name: str, most: int) -> Part:
        part = open_part(folder, name, plan.size)
        return Part(part.scans[:most], part.labels[:most], part.masks[:most], part.boxes[:most])

    return Parts(
        of("train-positive", plan.positives),
        of("train-negative", plan.pool),
        of("test-positive", plan.test_positives),
        of("test-negative", plan.test_negatives),
    )


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
        for i, way in enumerate(rng.integers(0, TURNS, len(rows))):
            scans[i], covered[i] = _turn(scans[i], way), _turn(covered[i], way)
        dim = rng.uniform(0.85, 1.15, (len(rows), 1, 1, 1)).astype(np.float32)
        return as_input(scans, dim), labels, _planes(covered)


def as_input(scans: np.ndarray, dim: np.ndarray | float = 1.0) -> np.ndarray:
    """uint8 [N, S, S, 3] -> float32 [N, 3, S, S]."""
    return np.ascontiguousarray(_values(scans, dim).transpose(0, 3, 1, 2))


def _values(scans: np.ndarray, dim: np.ndarray | float) -> np.ndarray:
    """uint8 [N, S, S, 3] -> float32 in about [-1, 1]: white stays white, what is dark grows darker or lighter by `dim`."""
    return 1 - 2 * dim * (1 - scans.astype(np.float32) / 255)


def _planes(covered: np.ndarray) -> np.ndarray:
    """uint8 class planes [N, h, w] -> float32 [N, 5, h, w]."""
    return (covered[:, None] == np.arange(1, len(CLASSES) + 1)[None, :, None, None]).astype(np.float32)


def _turn(image: np.ndarray, way: int) -> np.ndarray:
    """One of a square's flips."""
    return image[:: -1 if way & 1 else 1, :: -1 if way & 2 else 1].copy()


def pretrained_start(cache: Path, plan: Plan, parts: Parts) -> dict[str, torch.Tensor]:
    """The backbone that every run starts from, kept in a file so that all have the same statistics.

    MobileNetV2 comes with Open Images weights (`pretrained`); another backbone starts from random ones, the same for all.
    """
    file = cache / f"start-{plan.backbone}-{plan.size}.pt"
    if not file.exists():
        torch.manual_seed(0)
        network = Chr(NetworkConfig(plan.backbone, "base", 3, plan.pooling))
        if plan.backbone == "mobilenet_v2":
            few = np.concatenate([parts.train_positive.scans[:32], parts.train_negative.scans[:32]])
            layers = torch.load(pretrained.fetch(cache.parent / "start"))
            pretrained.start_from(network.backbone, layers, torch.from_numpy(as_input(few)))
        torch.save(network.backbone.state_dict(), file)
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu")
    return state


@dataclass
class Maps:
    """The frozen first stage's maps."""

    positive: np.ndarray
    """float16 [TURNS P, c, h, w]: each positive in all its turns, turn k of scan i at k P + i."""
    masks: np.ndarray
    """uint8 [TURNS P, S / 4, S / 4]"""
    negative: np.ndarray
    """float16 [N, c, h, w], each in one random turn."""
    test: np.ndarray
    """float16 [P' + N', c, h, w], as they are."""


def make_maps(folder: Path, plan: Plan, parts: Parts, start: dict[str, torch.Tensor]) -> Maps:
    """Run the start's first stage over all scans; kept for the next run of the same counts."""
    counts = [len(p) for p in (parts.train_positive, parts.train_negative, parts.test_positive, parts.test_negative)]
    file = folder / f"maps-{plan.backbone}-{'-'.join(map(str, counts))}.npz"
    if file.exists():
        with np.load(file) as kept:
            return Maps(*(kept[k] for k in ("positive", "masks", "negative", "test")))
    network = Chr(NetworkConfig(plan.backbone, "base", 3, plan.pooling))
    network.backbone.load_state_dict(start)
    stage = network.eval().backbone.stages[0].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rng = np.random.default_rng(2)

    def through(scans: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            # the transposed view is channels-last already
            maps: np.ndarray = stage(torch.from_numpy(scans.transpose(0, 3, 1, 2))).numpy().astype(np.float16)
        return maps

    def turned(part: Part, way: int | None) -> tuple[np.ndarray, np.ndarray]:
        maps, masks = [], []
        for first in range(0, len(part), 200):
            block = part.scans[first : first + 200]
            ways = rng.integers(0, TURNS, len(block)) if way is None else np.full(len(block), way)
            dim = rng.uniform(0.85, 1.15, (len(block), 1, 1, 1)).astype(np.float32)
            maps.append(through(_values(np.stack([_turn(s, w) for s, w in zip(block, ways, strict=True)]), dim)))
            masks += [_turn(m, w) for m, w in zip(part.masks[first : first + 200], ways, strict=False)]
        return np.concatenate(maps), np.array(masks)

    copies = [turned(parts.train_positive, way) for way in range(TURNS)]
    negative, _ = turned(parts.train_negative, None)
    test = [through(_values(block, 1.0)) for block in test_blocks(parts)]
    made = Maps(np.concatenate([c[0] for c in copies]), np.concatenate([c[1] for c in copies]), negative, np.concatenate(test))
    partial = file.with_suffix(".part.npz")
    np.savez(partial, positive=made.positive, masks=made.masks, negative=made.negative, test=made.test)
    partial.replace(file)
    return made


def test_blocks(parts: Parts, rows: int = 200) -> list[np.ndarray]:
    """The test scans, positives first, in blocks of uint8 [rows, S, S, 3]."""
    return [p.scans[i : i + rows] for p in (parts.test_positive, parts.test_negative) for i in range(0, len(p), rows)]


class MapBatches(Batches):
    """The same batches in the same order, as the frozen stage's maps."""

    def __init__(self, maps: Maps, positive: Part, negative: Part, negatives: int, batch: int, seed: int) -> None:
        super().__init__(positive, negative, negatives, batch, seed)
        self.maps = maps

    def take(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """float32 maps [N, c, h, w], labels int64 [N, 5], masks float32 [N, 5, S / 4, S / 4]."""
        rows, p = self.rows(step), len(self.positive)
        is_positive = rows < p
        copies = np.random.default_rng([self.seed, 1, step]).integers(0, TURNS, len(rows))[is_positive] * p + rows[is_positive]
        maps = np.empty((len(rows), *self.maps.negative.shape[1:]), np.float32)
        maps[is_positive] = self.maps.positive[copies]
        maps[~is_positive] = self.maps.negative[(rows[~is_positive] - p) % len(self.maps.negative)]
        labels = np.zeros((len(rows), len(CLASSES)), np.int64)
        labels[is_positive] = self.positive.labels[rows[is_positive]]
        covered = np.zeros((len(rows), *self.maps.masks.shape[1:]), np.uint8)
        covered[is_positive] = self.maps.masks[copies]
        return maps, labels, _planes(covered)
