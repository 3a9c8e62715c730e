"""Figures with 95 % bootstrap intervals over groups, one at a time and as tables like the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nan

import numpy as np

from lanescope.measure.labels import UNKNOWN, checked
from lanescope.measure.ranking import DEFAULT_PROTOCOL, Ranking
from lanescope.measure.resampling import DEFAULT_REPLICATES, bootstrap, interval, wilson


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval. Any field is NaN where the sample does not define it.

    `positives` and `negatives` count samples, not groups; for pointing they are hits and misses.
    """

    value: float
    low: float
    high: float
    positives: int
    negatives: int
    groups: int

    def as_dict(self) -> dict[str, float | int | None]:
        """The same for JSON, with NaN as None."""
        return {k: (None if isinstance(v, float) and v != v else v) for k, v in asdict(self).items()}

    def __str__(self) -> str:
        if self.value != self.value:
            return "n/a"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc_estimate(
    scores: np.ndarray, labels: np.ndarray, groups: Sequence[object] | None = None, *, replicates: int = DEFAULT_REPLICATES, seed: int = 0
) -> Estimate:
    """ROC area with its interval. groups: [N] hashables, each sample its own where None."""
    return _ranked_estimate(scores, labels, groups, lambda r, w: r.roc_auc(w), replicates, seed)


def ap_estimate(
    scores: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[object] | None = None,
    *,
    protocol: str = DEFAULT_PROTOCOL,
    replicates: int = DEFAULT_REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Average precision of one class with its interval."""
    return _ranked_estimate(scores, labels, groups, lambda r, w: r.average_precision(w, protocol), replicates, seed)


def _ranked_estimate(scores, labels, groups, measure, replicates: int, seed: int) -> Estimate:
    scores, labels = np.asarray(scores), checked(labels)
    ranking = Ranking(scores, labels)
    groups = np.arange(len(labels)) if groups is None else groups
    value = float(measure(ranking, np.ones((1, ranking.n)))[0])
    draws = bootstrap(lambda w: measure(ranking, w[:, ranking.kept]), groups, len(labels), replicates, seed)
    low, high = interval(draws) if value == value else (nan, nan)
    return Estimate(value, low, high, int((labels > 0).sum()), int((labels == 0).sum()), _count(groups, labels != UNKNOWN))


def _count(groups: Sequence[object] | np.ndarray, known: np.ndarray) -> int:
    return len({g for g, k in zip(groups, known.tolist(), strict=True) if k})


def classification_table(
    scores: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[object] | None = None,
    classes: Sequence[str] = (),
    *,
    protocol: str = DEFAULT_PROTOCOL,
    replicates: int = DEFAULT_REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Average precision a class and their mean (key "mean"), like the paper's Table 2.

    scores: float [N, C]; labels: int [N, C] in {1, 0, -1}; groups: [N]. All classes share the replicates, so the mean's interval is
    that of the mean. Classes without a positive (in the sample, or in a replicate) are left out of the mean.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), checked(labels)
    n, c = scores.shape
    groups = list(range(n)) if groups is None else groups
    rankings = [Ranking(scores[:, k], labels[:, k]) for k in range(c)]
    values = np.array([r.average_precision(np.ones((1, r.n)), protocol)[0] for r in rankings])
    draws = bootstrap(
        lambda w: np.stack([r.average_precision(w[:, r.kept], protocol) for r in rankings], axis=1), groups, n, replicates, seed
    )
    return _table(values, draws, [((labels[:, k] > 0), (labels[:, k] == 0)) for k in range(c)], groups, classes)


def pointing_table(
    hits: np.ndarray,
    groups: Sequence[object] | None = None,
    classes: Sequence[str] = (),
    *,
    replicates: int = DEFAULT_REPLICATES,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Pointing accuracy a class, hits / (hits + misses), and their mean over classes (5.3).

    hits: int [N, C], 1 the class's peak lies in a box of the class, 0 it does not, -1 no box of that class in the image.
    """
    hits = checked(hits)
    n, c = hits.shape
    groups = list(range(n)) if groups is None else groups
    hit, known = (hits > 0).astype(np.float64), (hits != UNKNOWN).astype(np.float64)

    def rate(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ hit) / (weights @ known)

    table = _table(
        rate(np.ones((1, n)))[0],
        bootstrap(rate, groups, n, replicates, seed),
        [((hits[:, k] > 0), (hits[:, k] == 0)) for k in range(c)],
        groups,
        classes,
    )
    for name, e in table.items():
        total = e.positives + e.negatives
        if name != "mean" and total and e.positives in (0, total):
            table[name] = Estimate(e.value, *wilson(e.positives, total), e.positives, e.negatives, e.groups)
    return table


def _table(values: np.ndarray, draws: np.ndarray, members, groups, classes: Sequence[str]) -> dict[str, Estimate]:
    names = list(classes) if classes else [str(k) for k in range(len(values))]
    if len(names) != len(values):
        raise ValueError(f"{len(names)} class names for {len(values)} columns")
    table = {}
    for k, name in enumerate(names):
        pos, neg = members[k]
        low, high = interval(draws[:, k]) if values[k] == values[k] else (nan, nan)
        table[name] = Estimate(float(values[k]), low, high, int(pos.sum()), int(neg.sum()), _count(groups, pos | neg))
    defined = [k for k in range(len(values)) if values[k] == values[k]]
    if defined:
        low, high = interval(_mean_defined(draws[:, defined]))
        mean = float(np.mean(values[defined]))
    else:
        mean = low = high = nan
    every = np.any([p | q for p, q in members], axis=0)
    table["mean"] = Estimate(
        mean, low, high, sum(int(p.sum()) for p, _ in members), sum(int(q.sum()) for _, q in members), _count(groups, every)
    )
    return table


def _mean_defined(rows: np.ndarray) -> np.ndarray:
    """Row means without NaN; NaN where a row has nothing else."""
    good = ~np.isnan(rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(good, rows, 0.0).sum(axis=1) / good.sum(axis=1)
