"""Held-out scores -> Platt calibration and first thresholds for the manifest."""

from __future__ import annotations

import numpy as np

from lanescope.patch import CLASSES

ADVISORY_RATE, ALARM_RATE = 0.05, 0.01
"""Share of benign validation bags that may raise any class's advisory, and any class's alarm."""
QUIET_RATES = (0.01, 0.001)
"""The same for the preset "quiet"; the sample does not reach so far down, so the tail is extrapolated."""
TAIL = 0.1
"""Share of the largest scores that the tail is fitted to."""


def platt(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and offset of P(y = 1 | z) = sigmoid(a z + b), by Newton's method on Platt's smoothed targets (Platt 1999).

    Args:
        z: float [N], fused logits.
        y: [N], 1 / 0.

    Raises:
        ValueError: one of the classes is empty, or the slope is not positive (the scores do not tell them apart).
    """
    positives, negatives = int(y.sum()), int(len(y) - y.sum())
    if not positives or not negatives:
        raise ValueError("calibration needs both positives and negatives")
    target = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    a, b = 1.0, 0.0
    design = np.stack([z.astype(np.float64), np.ones(len(z))], axis=1)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ [a, b], -40, 40)))
        gradient = design.T @ (p - target)
        weight = np.maximum(p * (1 - p), 1e-9)
        step = np.linalg.solve(design.T @ (design * weight[:, None]) + 1e-9 * np.eye(2), gradient)
        # Full Newton steps overshoot where the classes barely overlap.
        step *= min(1.0, 2.0 / (np.abs(step).max() + 1e-12))
        a, b = a - step[0], b - step[1]
        if np.abs(step).max() < 1e-9:
            break
    if a <= 0:
        raise ValueError("the scores do not rise with the class")
    return float(a), float(b)


def calibration(z: np.ndarray, labels: np.ndarray) -> dict[str, dict[str, float]]:
    """The manifest's `calibration.classes`.

    Args:
        z: float [N, 5], fused logits.
        labels: [N, 5], 1 / 0 / -1 (not used).
    """
    classes = {}
    for c, name in enumerate(CLASSES):
        known = labels[:, c] >= 0
        y = labels[known, c]
        a, b = platt(z[known, c], y)
        positives = int(y.sum())
        classes[name] = {
            "a": round(a, 6),
            "b": round(b, 6),
            "prevalence": round(positives / len(y), 6),
            "positives": positives,
            "negatives": int(len(y) - positives),
        }
    return classes


def thresholds(benign: np.ndarray, rates: tuple[float, float] = (ADVISORY_RATE, ALARM_RATE)) -> dict[str, dict[str, float]]:
    """First thresholds: the false alarms of a bag are shared evenly by the classes.

    Each class gets the same rate of its own, found by bisection so that *any* class fires on the wanted share of bags (classes fire
    together, so a fifth each would waste a part of the budget).

    Args:
        benign: float [N, 5], fused logits of threat-free bags.
        rates: for advisory and for alarm, per bag.
    """
    found = []
    for rate in rates:
        low, high = 0.0, rate
        for _ in range(40):
            each = (low + high) / 2
            cut = np.quantile(benign, 1 - each, axis=0)
            low, high = (each, high) if (benign > cut).any(axis=1).mean() <= rate else (low, each)
        found.append(np.quantile(benign, 1 - low, axis=0))
    return _as_manifest(*found)


def tail_thresholds(benign: np.ndarray, rates: tuple[float, float] = QUIET_RATES) -> dict[str, dict[str, float]]:
    """Thresholds for rates that a sample is too small to show: exponential tails (peaks over a threshold, Pickands 1975, shape 0).

    A class's scores above its 90 % quantile u exceed it by m on average, so that a share r lies above u + m ln(0.1 / r). Each
    class gets a fifth of the bag's rate
    (classes that fire together make it less).

    Args:
        benign: float [N, 5], fused logits of benign bags.
        rates: for advisory and for alarm, per bag.
    """
    u = np.quantile(benign, 1 - TAIL, axis=0)
    above = benign > u
    excess = np.array([(benign[above[:, c], c] - u[c]).mean() if above[:, c].any() else 0.0 for c in range(benign.shape[1])])
    return _as_manifest(*(u + excess * np.log(TAIL / (rate / benign.shape[1])) for rate in rates))


def quiet_thresholds(benign: np.ndarray) -> dict[str, dict[str, float]]:
    """The preset "quiet": the tail's thresholds, nowhere below the default ones."""
    usual, quiet = thresholds(benign), tail_thresholds(benign)
    return {name: {tier: max(usual[name][tier], quiet[name][tier]) for tier in usual[name]} for name in CLASSES}


def _as_manifest(advisory_cut: np.ndarray, alarm_cut: np.ndarray) -> dict[str, dict[str, float]]:
    # Rounded up: a threshold rounded down would let a bag more through to the alarm than counted.
    advisory, alarm = (np.ceil(cut * 1e4) / 1e4 for cut in (advisory_cut, alarm_cut))
    return {
        name: {"advisory": round(float(advisory[c]), 4), "alarm": round(float(max(alarm[c], advisory[c])), 4)}
        for c, name in enumerate(CLASSES)
    }
