"""Single guns and knives taken at two energies, coloured by the simulator's own palettes: patches whose thickness and material are real."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from lanescope.data.splits import SHARED
from lanescope.patch import CLASSES, Patch
from lanescope.simulator.colour import SCANNERS, pseudo_colour

FULL_SCALE_16 = 60_000
"""What a 16-bit file's empty pixel holds, at most."""
THINNEST = 0.06
"""Attenuation (high energy) from which a pixel is the object and not its ground."""


def _attenuation(file: Path) -> np.ndarray:
    """-ln(transmission) over the picture's own empty ground, float32 [H, W], >= 0; outside an RGBA file's outline 0."""
    with Image.open(file) as opened:
        bands = np.asarray(opened)
    outline = None
    if bands.ndim == 3:
        outline = bands[..., -1] > 127 if bands.shape[2] == 4 else None
        bands = bands[..., 0]
    light = bands.astype(np.float32) / (FULL_SCALE_16 if bands.dtype != np.uint8 else 255)
    rim = np.concatenate([light[:2].ravel(), light[-2:].ravel(), light[:, :2].ravel(), light[:, -2:].ravel()])
    empty = max(float(np.quantile(rim, 0.8)), 1e-3)
    attenuation: np.ndarray = -np.log(np.clip(light / empty, 1e-3, 1)).astype(np.float32)
    if outline is not None and 0.02 < outline.mean() < 0.98:
        attenuation[~cv2.dilate(outline.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)] = 0
    return attenuation


def dual_energy_patches(root: Path = SHARED, looks: int = 2, problems: Counter[str] | None = None) -> list[Patch]:
    """Each pair as a patch in `looks` scanners' colours, source "dual:<pair>"; pairs that do not fit together are counted and left out."""
    counts = Counter() if problems is None else problems
    listing = root / "dual_energy" / "files.csv"
    if not listing.exists():
        counts["source missing: dual_energy"] += 1
        return []
    pairs: dict[str, dict[str, Path]] = {}
    with listing.open(newline="", encoding="utf-8-sig") as handle:
        for row in csv.DictReader(handle):
            pairs.setdefault(f"{row['class']}:{row['pair']}", {})[row["energy"]] = listing.parent / row["file"]
    patches = []
    for number, (key, files) in enumerate(sorted(pairs.items())):
        label = key.split(":")[0]
        if label not in CLASSES or not {"low", "high"} <= files.keys() or not all(f.exists() for f in files.values()):
            counts["dual_energy: half a pair or no class: left out"] += 1
            continue
        low, high = _attenuation(files["low"]), _attenuation(files["high"])
        if low.shape != high.shape:
            counts["dual_energy: pair of two sizes: left out"] += 1
            continue
        mask = _object(high)
        if mask is None:
            counts["dual_energy: nothing to see: left out"] += 1
            continue
        measured = torch.from_numpy(np.stack([np.where(mask, np.maximum(low, high), 0), np.where(mask, high, 0)]))
        measured = torch.nn.functional.pad(measured, (8, 8, 8, 8))
        for look in range(looks):
            scanner = SCANNERS[(number + look * 2) % len(SCANNERS)]
            picture = pseudo_colour(measured, scanner).numpy().astype(np.float32) / np.array(scanner.background, np.float32)
            transmission = np.clip(picture[8:-8, 8:-8], 0.03, 1)
            soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
            patches.append(Patch((1 - (1 - transmission) * soft[..., None]).astype(np.float32), mask, label, f"dual:{key}"))
    return patches


def _object(high: np.ndarray) -> np.ndarray | None:
    """The object's silhouette, bool [H, W]: its pieces of at least a twentieth of the largest."""
    mask = cv2.morphologyEx((high > THINNEST).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.max() < 100:
        return None
    keep: np.ndarray = np.concatenate([[False], areas >= 0.05 * areas.max()])[labels]
    return keep
