"""The ablation's figures: mean average precision at a stated imbalance and pointing, with paired bootstrap draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lanescope.ablation.plan import Plan, Run
from lanescope.measure.ranking import Ranking
from lanescope.measure.resampling import bootstrap, interval

REPLICATES = 500


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
