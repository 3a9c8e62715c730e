"""Small harmless things found in bags: the distractors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .models.small import batteries, buckle, coins, comb, cutlery, hammer, keys, pens, scrap, screwdriver, torch, watch
from .sketch import Rng
from .solid import Solid

MODELS: tuple[tuple[Callable[[Rng], Solid], float], ...] = (
    (coins, 0.12), (keys, 0.14), (screwdriver, 0.10), (buckle, 0.12), (batteries, 0.09), (pens, 0.08), (scrap, 0.2), (torch, 0.04),
    (watch, 0.04), (hammer, 0.02), (comb, 0.02), (cutlery, 0.03),
)  # fmt: skip


def clutter(rng: Rng) -> tuple[Solid, str]:
    """A new harmless object, centred, and its source name (e.g. "shape:keys")."""
    weights = np.array([weight for _, weight in MODELS])
    maker = MODELS[int(rng.choice(len(MODELS), p=weights / weights.sum()))][0]
    return maker(rng).centred(), f"shape:{maker.__name__}"
