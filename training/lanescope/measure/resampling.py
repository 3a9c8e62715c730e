"""The bootstrap over groups, with random numbers that TypeScript draws too, and Wilson's interval of a proportion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan, sqrt

import numpy as np

DEFAULT_REPLICATES = 1000
_CHUNK_CELLS = 2_000_000  # a bootstrap's weights are made in chunks of about this many numbers (16 MB)


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
