"""SIXray's staged bags: the positives that hold real guns and knives, with outlines drawn by eye, split by bag.

Only 18 of the 250 positives have official boxes, and all of them are six bags scanned again and again. `staged_outlines.csv` holds a
closed polygon round every gun and knife that could be traced (drawn for this project from enlarged scans, by an agent's eye and without
a model; training/README.md says how far it agrees with the official boxes). Two bags train and two others test, so that no test scan
shows a bag that training saw. The same guns may have been packed into several bags: a test on other *guns* this is only in part.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lanescope.data.compose import MASK_STRIDE, Finish, Sample, place_background
from lanescope.data.scans import smooth_away_region
from lanescope.data.splits import SHARED, TEST, TRAIN
from lanescope.patch import CLASSES, Patch
from lanescope.preprocess import NoBagError, crop_and_flatten, decode, locate

OUTLINES = Path(__file__).parent / "staged_outlines.csv"
UNIT = 1000
"""Outline coordinates: a scan's longer side is 1000 (both axes the same unit)."""
BAGS = {"suitcase": TRAIN, "holdall": TRAIN, "rucksack": TEST, "railed-case": TEST}
"""Bag -> split. The suitcase holds pistols and kitchen knives, the holdall daggers, the rucksack revolvers and a cleaver, the railed case a
knife alone. None is used to choose between models: validation has other data. Scans filed under another name are used for nothing: nine
of the suitcase in which a gun seen edge-on was left untraced, and one screenshot."""
TRACED = ("gun", "knife")
UNSURE = "unsure"


@dataclass
class StagedThreat:
    """One traced object."""

    label: str
    """"gun", "knife", or "unsure" where the eye could not tell."""
    outline: np.ndarray
    """float32 [P, 2], x and y in pixels of the cleaned scan."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in pixels."""
        (x0, y0), (x1, y1) = self.outline.min(axis=0), self.outline.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass
class StagedScan:
    """A staged bag on pure white, cropped to its box."""

    pixels: np.ndarray
    """uint8 [h, w, 3]."""
    threats: list[StagedThreat]
    group: str
    """The bag."""
    name: str

    def region(self, labels: tuple[str, ...], grow: int = 0) -> np.ndarray:
        """bool [h, w]: where objects of these labels are, grown by so many pixels."""
        covered = np.zeros(self.pixels.shape[:2], np.uint8)
        for threat in self.threats:
            if threat.label in labels:
                cv2.fillPoly(covered, [np.round(threat.outline * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        if grow:
            covered = cv2.dilate(covered, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1)))
        return covered > 0


def read_outlines(file: Path = OUTLINES) -> dict[str, tuple[str, list[tuple[str, np.ndarray]]]]:
    """Scan name -> (bag, its objects as (label, float32 [P, 2] in outline units)), in the file's order."""
    found: dict[str, tuple[str, list[tuple[str, np.ndarray]]]] = {}
    with file.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            points = np.array([[float(v) for v in point.split(",")] for point in row["outline"].split()], np.float32)
            found.setdefault(row["file"], (row["bag"], []))[1].append((row["class"], points))
    return found


def load_staged(split: str, longest: int, root: Path = SHARED) -> list[StagedScan]:
    """The traced scans of one split, cleaned as every scan is (preprocessing `bag-2`).

    Args:
        split: "train" or "test"; "validation" has none.
        longest: longest side of the cleaned crops, pixels.
    """
    return load_staged_at(split, (longest,), root)[0]


def load_staged_at(split: str, longests: tuple[int, ...], root: Path = SHARED) -> list[list[StagedScan]]:
    """`load_staged` at several sizes, each file read once: a list of scans a size."""
    scans: list[list[StagedScan]] = [[] for _ in longests]
    for name, (bag, objects) in sorted(read_outlines().items()):
        file = root / "sixray" / "JPEGImage" / f"{name}.jpg"
        if BAGS.get(bag) != split or not file.exists():
            continue
        image = decode(file)
        try:
            located = locate(image)
        except NoBagError:
            continue
        x0, y0, x1, y1 = located.box
        unit = max(image.shape[:2]) / UNIT
        for longest, listed in zip(longests, scans, strict=True):
            pixels = crop_and_flatten(image, located.box, located.background, longest)
            scale = np.array([pixels.shape[1] / (x1 - x0), pixels.shape[0] / (y1 - y0)], np.float32)
            threats = [StagedThreat(label, (points * unit - np.array([x0, y0], np.float32)) * scale) for label, points in objects]
            listed.append(StagedScan(pixels, threats, bag, name))
    return scans


def without(scan: StagedScan, labels: tuple[str, ...]) -> np.ndarray:
    """The scan's pixels with the objects of these labels (and what the eye could not tell) smoothed away; uint8 [h, w, 3]."""
    grow = max(2, round(0.008 * max(scan.pixels.shape[:2])))
    return smooth_away_region(scan.pixels, scan.region((*labels, UNSURE), grow))


def smoothed_elsewhere(scan: StagedScan, labels: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """The same shapes smoothed away where no threat is, so that smoothing is no sign of a clear bag; uint8 [h, w, 3]."""
    shape = scan.region(labels, 2)
    threats = scan.region((*TRACED, UNSURE), 3)
    h, w = shape.shape
    for _ in range(12):
        moved = np.roll(shape, (int(rng.integers(h)), int(rng.integers(w))), (0, 1))
        if rng.random() < 0.5:
            moved = moved[:, ::-1]
        if not (moved & threats).any():
            return smooth_away_region(scan.pixels, moved)
    return smooth_away_region(scan.pixels, np.roll(shape, (int(rng.integers(h)), int(rng.integers(w))), (0, 1)) & ~threats)


def cut_outs(scans: list[StagedScan]) -> list[Patch]:
    """Every traced gun and knife as a patch: transmission = scan / the scan with it smoothed away.

    An object that another one covers is left out: its transmission would hold both.
    """
    patches = []
    for scan in scans:
        for number, threat in enumerate(scan.threats):
            if threat.label == UNSURE:
                continue
            patch = _cut(scan, number)
            if patch is not None:
                patches.append(patch)
    return patches


def _cut(scan: StagedScan, number: int) -> Patch | None:
    threat = scan.threats[number]
    alone = StagedScan(scan.pixels, [threat], scan.group, scan.name)
    others = StagedScan(scan.pixels, [t for i, t in enumerate(scan.threats) if i != number], scan.group, scan.name)
    region = alone.region((threat.label,))
    if not region.any() or (region & others.region((*TRACED, UNSURE))).sum() > 0.03 * region.sum():
        return None
    x0, y0, x1, y1 = threat.box
    margin = 12
    part = (
        slice(max(0, int(y0) - margin), int(y1) + margin + 1),
        slice(max(0, int(x0) - margin), int(x1) + margin + 1),
    )
    behind = smooth_away_region(scan.pixels, alone.region((threat.label,), 4))[part].astype(np.float32).clip(4)
    seen = scan.pixels[part].astype(np.float32).clip(4)
    transmission = seen / behind
    # Near black the channels' ratios are noise, and would tint whatever bag the object is projected into.
    black = seen.max(axis=2) < 60
    transmission[black] = (seen.max(axis=2) / behind.max(axis=2))[black][:, None]
    transmission = np.clip(transmission, 0.03, 1)
    # What inside the traced outline really dims: an outline is a few pixels wide of the edge here and there.
    dims = (transmission.min(axis=2) < 0.85) & alone.region((threat.label,), 1)[part]
    mask = cv2.morphologyEx(dims.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = np.concatenate([[False], areas >= 0.1 * areas.max()])[labels]
    if keep.sum() < 0.4 * region.sum() or keep.sum() < 60:
        return None
    soft = cv2.GaussianBlur(cv2.dilate(keep.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 0.8)
    transmission = 1 - (1 - transmission) * soft[..., None]
    rows, columns = np.flatnonzero(keep.any(axis=1)), np.flatnonzero(keep.any(axis=0))
    tight = (slice(max(0, rows[0] - 2), rows[-1] + 3), slice(max(0, columns[0] - 2), columns[-1] + 3))
    return Patch(
        np.ascontiguousarray(transmission[tight], np.float32),
        np.ascontiguousarray(keep[tight]),
        threat.label,
        f"sixray:{scan.group}:{scan.name}",
    )


def staged_sample(
    scan: StagedScan, pixels: np.ndarray, present: tuple[str, ...], side: int, rng: np.random.Generator, *, gentle: bool = False
) -> Sample:
    """A staged scan as a sample, with the traced outlines as masks.

    Args:
        pixels: the scan's, or an erased version of them.
        present: labels that are still to be seen in `pixels`.
        side: S, pixels.
        gentle: leave it as preprocessing would (evaluation).
    """
    square, matrix = place_background(pixels, side, rng, gentle)
    if not gentle:
        square = Finish.draw(rng).apply(square.astype(np.float32) / 255)
    cells = side // MASK_STRIDE
    labels = np.zeros(len(CLASSES), np.int8)
    masks = np.zeros((len(CLASSES), cells, cells), np.float32)
    turned = [StagedThreat(t.label, np.c_[t.outline, np.ones(len(t.outline))] @ matrix.T) for t in scan.threats]
    placed = StagedScan(square, turned, scan.group, scan.name)
    for label in present:
        labels[CLASSES.index(label)] = 1
        covered = placed.region((label,)).astype(np.float32)
        masks[CLASSES.index(label)] = cv2.resize(covered, (cells, cells), interpolation=cv2.INTER_AREA)
    if present and any(t.label == UNSURE for t in scan.threats):  # still there: it could be either
        for label in TRACED:
            if label not in present:
                labels[CLASSES.index(label)], masks[CLASSES.index(label)] = -1, -1
    return Sample(square, labels, masks.astype(np.float16), "staged", scan.group)


def staged_pair(scans: list[StagedScan], side: int, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """A staged scan with shapes like its threats' smoothed away elsewhere, and the same scan with its threats smoothed away.

    Half the time where there are both, one class alone is smoothed away and the other stays: so a gun is told from a knife in the same bag.
    """
    scan = scans[int(rng.integers(len(scans)))]
    present = tuple(label for label in TRACED if any(t.label == label for t in scan.threats))
    gone = (present[int(rng.integers(len(present)))],) if len(present) > 1 and rng.random() < 0.5 else present
    kept = tuple(label for label in present if label not in gone)
    here = smoothed_elsewhere(scan, gone, rng)
    away = without(scan, gone)
    seed = int(rng.integers(2**31))
    return (
        staged_sample(scan, here, present, side, np.random.default_rng(seed)),
        staged_sample(scan, away, kept, side, np.random.default_rng(seed)),
    )
