"""Whole scans through a model as the app takes them: located, every look scored, a class's score that of its best look (MODEL_CONTRACT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lanescope.preprocess import Located, NoBagError, Prepared, prepare
from lanescope.scoring import Model


@dataclass
class WholeScan:
    """What a model says of one scan."""

    fused: np.ndarray
    """float64 [C]: a class's largest fused logit over all looks."""
    peaks: np.ndarray
    """float64 [C, 2]: x, y of the app's peak in that look, fractions of the scan."""
    peaks_over_scales: np.ndarray
    """float64 [C, 2]: the paper's peak (5.3) in that look."""
    bags: np.ndarray
    """float64 [B, C]: the same by bag."""
    logits: np.ndarray
    """float64 [L, C]: the levels' logits of the look that decides a class."""
    located: Located
    """The scan's ground and bags."""


def decide(looks: Sequence[Prepared], fused: np.ndarray, logits: np.ndarray, peaks: np.ndarray, over: np.ndarray) -> WholeScan:
    """Fuse a scan's looks.

    Args:
        looks: the scan's, in order.
        fused, logits, peaks, over: [K, C], [K, L, C], [K, C, 2] and [K, C, 2], what the network says of each; peaks in fractions
        of the squares.
    """
    best = fused.argmax(axis=0)
    classes = range(fused.shape[1])
    bag_of = np.array([look.look.bag for look in looks])
    return WholeScan(
        fused[best, classes],
        np.array([looks[best[c]].to_original(*(float(v) for v in peaks[best[c], c])) for c in classes]),
        np.array([looks[best[c]].to_original(*(float(v) for v in over[best[c], c])) for c in classes]),
        np.stack([fused[bag_of == bag].max(axis=0) for bag in range(bag_of.max() + 1)]),
        np.stack([logits[best[c], :, c] for c in classes], axis=1),
        looks[0].located,
    )


def score_scans(
    model: Model, images: Sequence[np.ndarray], preparing: Callable[[np.ndarray, int], list[Prepared]] = prepare
) -> list[WholeScan | None]:
    """Score decoded scans.

    Args:
        images: uint8 [H, W, 3] each.
        preparing: another preprocessing, for models of before.

    Returns:
        None for a scan in which no bag was found.
    """
    looks = [_looks(image, model.size, preparing) for image in images]
    squares = [look.pixels for scan in looks for look in scan]
    if not squares:
        return [None] * len(images)
    scores = model.score(np.stack(squares))
    fused = scores.fused
    found: list[WholeScan | None] = []
    start = 0
    for scan in looks:
        rows = slice(start, start + len(scan))
        start += len(scan)
        found.append(decide(scan, fused[rows], scores.logits[rows], scores.peaks[rows], scores.peaks_over_scales[rows]) if scan else None)
    return found


def _looks(image: np.ndarray, side: int, preparing: Callable[[np.ndarray, int], list[Prepared]]) -> list[Prepared]:
    try:
        return preparing(image, side)
    except NoBagError:
        return []
