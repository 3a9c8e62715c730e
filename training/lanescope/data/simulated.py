"""Simulated benign bags as further backgrounds: cleaned as every scan is, a file of arrays a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lanescope.data.bank import LONGEST, Bank
from lanescope.data.scans import CleanScan
from lanescope.preprocess import NoBagError, crop_and_flatten, locate

SIZES = (420, 560, 700)
"""Longest sides simulated, pixels: scanners differ in pitch."""
SEEDS = {"train": 101, "validation": 102, "test": 103}


def make_backgrounds(split: str, count: int, cache: Path) -> Path:
    """Simulate `count` benign bags of a split and write them to `cache/simulated-<split>.npz`, atomically.

    Splits differ in seed and in the objects that exist (`library_seed`), so that validation meets neither a bag nor an object of training.
    """
    from lanescope.simulator.stream import stream

    scans: list[CleanScan] = []
    for part, size in enumerate(SIZES):
        for scan in stream(SEEDS[split] * 10 + part, 0.0, size, count // len(SIZES), library_seed=SEEDS[split], cache=cache / "simulator"):
            try:
                located = locate(scan.image)
            except NoBagError:
                continue
            pixels = crop_and_flatten(scan.image, located.box, located.background, LONGEST)
            name = f"simulated-{split}-{size}-{scan.index}"
            scans.append(CleanScan(pixels, None, None, name, name, located.statistics.as_manifest()))
    array = np.empty(len(scans), object)
    array[:] = scans
    target = cache / f"simulated-{split}.npz"
    temporary = target.with_name(target.name + ".part.npz")
    np.savez(temporary, scans=array)
    temporary.rename(target)
    return target


def add_backgrounds(bank: Bank, cache: Path) -> int:
    """Add the split's simulated bags to the bank's benign ones, if they have been made; how many."""
    file = cache / f"simulated-{bank.split}.npz"
    if not file.exists():
        return 0
    with np.load(file, allow_pickle=True) as stored:
        scans = list(stored["scans"])
    bank.benign = [*bank.benign, *scans]
    return len(scans)
