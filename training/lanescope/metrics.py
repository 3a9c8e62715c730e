"""Average precision, ROC area and pointing accuracy, each with bootstrap intervals over groups.

`src/domain/metrics.ts` is the same arithmetic in TypeScript, down to the bootstrap's random numbers; the fixture in
`test/fixtures/metrics/` holds both to 1e-6.

Labels follow the project's one code (docs/MODEL_CONTRACT.md): 1 present, 0 absent, -1 unknown or difficult (left out for that class).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import nan, sqrt

import numpy as np

# The paper (5.1) says "mAP as in PASCAL VOC" without the year. VOC's own definition since 2010 is the area under the interpolated
# precision-recall curve, and that is the default here; the 2007 rule (11 points) and the step sum that scikit-learn and the
# authors' released meter compute are named options.
PROTOCOLS = ("voc-all", "voc-11", "step")
DEFAULT_PROTOCOL = "voc-all"
DEFAULT_REPLICATES = 1000
PLATEAU = 1e-6  # values this near the highest (relative, or absolute below 1) count as one flat spot, whatever the rounding
_CHUNK_CELLS = 2_000_000  # a bootstrap's weights are made in chunks of about this many numbers (16 MB)


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


# --- point estimates -------------------------------------------------------------------------------------------------------------


def average_precision(scores: np.ndarray, labels: np.ndarray, protocol: str = DEFAULT_PROTOCOL) -> float:
    """Average precision of one class.

    scores: float [N], larger is more likely; labels: int [N] in {1, 0, -1}. Equal scores share one threshold, so the order of
    the samples never matters. NaN without a positive. Raises ValueError on a NaN score or an unknown protocol.
    """
    ranking = Ranking(scores, labels)
    return float(ranking.average_precision(np.ones((1, ranking.n)), protocol)[0])


def roc_auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve: P(positive scores higher) + P(tie) / 2. Shapes as in `average_precision`; NaN with one class only."""
    ranking = Ranking(scores, labels)
    return float(ranking.roc_auc(np.ones((1, ranking.n)))[0])


class Ranking:
    """One class's samples sorted by score, ready for many sets of weights; samples of unknown label are dropped (see `kept`)."""

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        labels = np.asarray(labels)
        if scores.shape != labels.shape or scores.ndim != 1:
            raise ValueError(f"scores {scores.shape} and labels {labels.shape} must be vectors of one length")
        known = np.flatnonzero(labels >= 0)
        if np.isnan(scores[known]).any():
            raise ValueError("a score is NaN: a scan that could not be scored has no place in a ranking")
        order = np.argsort(-scores[known], kind="stable")
        self.kept = known[order]
        self.n = len(self.kept)
        ranked = scores[self.kept]
        self.positive = labels[self.kept] > 0
        # last index of each run of equal scores: the thresholds
        self.ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if self.n else np.zeros(0, dtype=int)

    def _counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        true = np.cumsum(weights * self.positive, axis=1)[:, self.ends]
        false = np.cumsum(weights * ~self.positive, axis=1)[:, self.ends]
        return true, false

    def average_precision(self, weights: np.ndarray, protocol: str) -> np.ndarray:
        """weights: [B, n] in ranked order -> [B]."""
        if protocol not in PROTOCOLS:
            raise ValueError(f"unknown protocol {protocol!r}: one of {', '.join(PROTOCOLS)}")
        if not self.n:
            return np.full(len(weights), nan)
        true, false = self._counts(weights)
        total = true[:, -1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(true + false > 0, true / (true + false), 0.0)
            recall = true / total
        if protocol == "step":
            height = precision
        else:  # VOC interpolates: the best precision at this recall or any higher one
            height = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        if protocol == "voc-11":
            points = np.arange(11) / 10
            area = np.mean([np.where(recall >= t, precision, 0.0).max(axis=1) for t in points], axis=0)
        else:
            area = (np.diff(recall, axis=1, prepend=0.0) * height).sum(axis=1)
        return np.where(total[:, 0] > 0, area, nan)

    def roc_auc(self, weights: np.ndarray) -> np.ndarray:
        """weights: [B, n] in ranked order -> [B]."""
        if not self.n:
            return np.full(len(weights), nan)
        true, false = self._counts(weights)
        rises = np.diff(true, axis=1, prepend=0.0)
        beaten = false[:, -1:] - false  # negatives below this threshold
        tied = np.diff(false, axis=1, prepend=0.0)
        pairs = true[:, -1] * false[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 0, (rises * (beaten + tied / 2)).sum(axis=1) / pairs, nan)


# --- the bootstrap ---------------------------------------------------------------------------------------------------------------


def mulberry32(seed: int, start: int, count: int) -> np.ndarray:
    """Numbers start .. start+count-1 of the Mulberry32 stream (public domain, T. Ettinger) as uint32.

    Chosen because it is counter-based, so NumPy makes it in one go and TypeScript in a loop, and both get the same bootstrap.
    """
    with np.errstate(over="ignore"):
        state = np.uint32(seed & 0xFFFFFFFF) + (np.arange(start + 1, start + count + 1, dtype=np.uint64) * 0x6D2B79F5).astype(np.uint32)
        t = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
        t ^= t + (t ^ (t >> np.uint32(7))) * (t | np.uint32(61))
        return t ^ (t >> np.uint32(14))


def group_index(groups: Sequence[object] | np.ndarray, n: int) -> tuple[np.ndarray, int]:
    """Numbers groups by first appearance -> (int [n], count). Samples of one group (a bag, a twin pair) are drawn together."""
    if len(groups) != n:
        raise ValueError(f"{len(groups)} groups for {n} samples")
    seen: dict[object, int] = {}
    index = np.fromiter(
        (seen.setdefault(g, len(seen)) for g in (groups.tolist() if isinstance(groups, np.ndarray) else groups)), dtype=np.int64, count=n
    )
    return index, len(seen)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: Sequence[object] | np.ndarray,
    n: int,
    replicates: int = DEFAULT_REPLICATES,
    seed: int = 0,
) -> np.ndarray:
    """Values of a statistic on samples redrawn by group (Efron's bootstrap over clusters).

    statistic: weights [b, n] (how often each sample was drawn) -> [b] or [b, k]; returns all [replicates] or [replicates, k].
    """
    index, count = group_index(groups, n)
    step = max(1, _CHUNK_CELLS // max(n, count, 1))
    parts = []
    for first in range(0, replicates, step):
        rows = min(step, replicates - first)
        draws = mulberry32(seed, first * count, rows * count).astype(np.uint64).reshape(rows, count)
        picked = (draws * np.uint64(count)) >> np.uint64(32)
        flat = picked.astype(np.int64) + np.arange(rows)[:, None] * count
        times = np.bincount(flat.ravel(), minlength=rows * count).reshape(rows, count)
        parts.append(statistic(times[:, index].astype(np.float64)))
    return np.concatenate(parts) if parts else np.zeros(0)


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of a statistic's bootstrap values [B], undefined replicates (NaN) left out; linear interpolation."""
    good = np.asarray(values, dtype=np.float64)
    good = good[~np.isnan(good)]
    if not len(good):
        return nan, nan
    low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(hits: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion (1927): what stands in where the bootstrap of all-hit or all-miss has no width."""
    if n == 0:
        return nan, nan
    p = hits / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


# --- figures with intervals ------------------------------------------------------------------------------------------------------


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
    scores, labels = np.asarray(scores), np.asarray(labels)
    ranking = Ranking(scores, labels)
    groups = np.arange(len(labels)) if groups is None else groups
    value = float(measure(ranking, np.ones((1, ranking.n)))[0])
    draws = bootstrap(lambda w: measure(ranking, w[:, ranking.kept]), groups, len(labels), replicates, seed)
    low, high = interval(draws) if value == value else (nan, nan)
    return Estimate(value, low, high, int((labels > 0).sum()), int((labels == 0).sum()), _count(groups, labels >= 0))


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
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
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
    hits = np.asarray(hits)
    n, c = hits.shape
    groups = list(range(n)) if groups is None else groups
    hit, known = (hits > 0).astype(np.float64), (hits >= 0).astype(np.float64)

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


# --- localisation ----------------------------------------------------------------------------------------------------------------


def resize_map(cam: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear resize, half-pixel centres, edges clamped (torch's align_corners=False): [h, w] -> [height, width] float64."""
    cam = np.asarray(cam, dtype=np.float64)
    y0, y1, fy = _taps(cam.shape[0], height)
    x0, x1, fx = _taps(cam.shape[1], width)
    rows = cam[y0] * (1 - fy)[:, None] + cam[y1] * fy[:, None]
    return rows[:, x0] * (1 - fx) + rows[:, x1] * fx


def _taps(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    low = np.floor(at).astype(np.int64)
    return low, np.minimum(low + 1, source - 1), at - low


def peak_over_scales(cams: Sequence[np.ndarray], size: int) -> tuple[float, float]:
    """The paper's pointing peak (5.3): each level's map rescaled to the network's square, maximum over the levels, its largest pixel.

    cams: one [h_l, w_l] a level, logit units; returns (x, y) in fractions of the square.
    """
    return plateau_peak(np.maximum.reduce([resize_map(c, size, size) for c in cams]))


def plateau_peak(values: np.ndarray) -> tuple[float, float]:
    """Centre of the highest spot of a map [h, w], in fractions.

    Beyond the outermost cells' centres a resized map is flat up to the edge. Of such a flat spot the pixel nearest to the middle of the
    map is taken, which is the cell's centre: the first pixel would lie on the scan's edge, and a coarse map's peaks would all be misses.
    """
    height, width = values.shape
    top = float(values.max())
    ys, xs = np.nonzero(values >= top - PLATEAU * max(1.0, abs(top)))
    nearest = int(((2 * xs + 1 - width) ** 2 + (2 * ys + 1 - height) ** 2).argmin())
    return float((xs[nearest] + 0.5) / width), float((ys[nearest] + 0.5) / height)


def in_any_box(x: float, y: float, boxes: Sequence[Sequence[float]]) -> bool:
    """Whether a point lies in one of the boxes (xmin, ymin, xmax, ymax), edges included, all in one unit."""
    return any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in boxes)
