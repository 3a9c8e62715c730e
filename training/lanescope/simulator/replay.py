"""The bundled demo replay: a few dozen bags of one simulated lane, three of them with a threat."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2

from lanescope.patch import CLASSES

from .colour import SCANNERS
from .stream import Scan, objects, simulate

SEED = 2026
SIZE = 860
QUALITY = 88
COUNT = 36
THREATS = {8: ("gun", 604), 19: ("gun", 205), 29: ("wrench", 120)}
"""Bag (counted from 0): what it holds, and which scan of the stream it is. Spread out, so that a newcomer sees calm first and each alarm
alone. Picked to show what a verdict can be, not how often: of some 20 simulated bags with a gun looked at, an earlier model flagged
five, both of these among them; the shipped one alarms at the first and misses the other and the wrench."""
SCANNER = SCANNERS[1]
"""One lane, one machine."""


def scan(index: int) -> Scan:
    """Demo scan `index`, 0 ... COUNT - 1; always the same."""
    label, number = THREATS.get(index, (None, index))
    # Drawn models alone: the bundled scans are older than the meshes, and a bag must be one that can be made again.
    return simulate(SEED, number, [label] if label else [], SIZE, objects(SIZE, library_seed=SEED, fresh=True, meshes=False), SCANNER)


def write(out: Path, count: int = COUNT) -> list[Scan]:
    """Write bag-0001.jpg ... and labels.csv (SIXray's columns, 1 present, -1 absent) into `out`; returns the scans."""
    out.mkdir(parents=True, exist_ok=True)
    scans = []
    with (out / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["name", *(name.capitalize() for name in CLASSES)])
        for index in range(count):
            made = scan(index)
            name = f"bag-{index + 1:04d}"
            ok, data = cv2.imencode(".jpg", made.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            if not ok:
                raise OSError(f"could not encode {name}")
            (out / f"{name}.jpg").write_bytes(data.tobytes())
            rows.writerow([name, *(1 if made.labels[label] else -1 for label in CLASSES)])
            scans.append(made)
    return scans
