"""A bank that needs no real scan: drawn bags and parametric shapes."""

from __future__ import annotations

import numpy as np

from lanescope.data import shapes
from lanescope.data.bank import Bank
from lanescope.data.scans import CleanScan
from lanescope.goldens import draw_bag
from lanescope.preprocess import crop_and_flatten, locate


def clean_bag(seed: int, box: bool, longest: int = 120) -> CleanScan:
    image = draw_bag(240, 180, (250, 250, 250), seed)
    located = locate(image)
    pixels = crop_and_flatten(image, located.box, located.background, longest)
    label = "knife" if seed % 2 else "scissors"
    return CleanScan(
        pixels, (40.0, 30.0, 70.0, 50.0) if box else None, label if box else None, f"g{seed}", f"s{seed}", located.statistics.as_manifest()
    )


def bank() -> Bank:
    made = Bank("train", [clean_bag(i, False) for i in range(3)], [clean_bag(10 + i, True) for i in range(4)])
    rng = np.random.default_rng(0)
    made.add([shapes.make_patch(name, rng, 64) for name in (*shapes.THREATS, *shapes.EVERYDAY) for _ in range(2)])
    return made
