"""Which real scan may be used for what: split by bag, before anything else, and the same on every machine."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lanescope.patch import CLASSES

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
"""Where the development scans lie unless told otherwise (beside the checkout, never inside it)."""
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_OPIXRAY_BLOCK = 100
_BENIGN_BLOCK = 10


@dataclass(frozen=True)
class RealScan:
    """One file of the development data."""

    file: Path
    dataset: str
    """"sixray" or "opixray"."""
    group: str
    """Scans that may show the same bag share a group (neighbours in the data set's numbering do)."""
    split: str
    """"train", "validation" or "test"."""
    label: str | None
    """The class boxed in it; None for a benign scan."""
    box: tuple[float, float, float, float] | None
    """x0, y0, x1, y1 as fractions of the image."""


LISTED = Path(__file__).parent / "splits.csv"
"""Every real scan by name with its group and split (`make_splits`): decided once, before anything was trained on them."""


@cache
def listed_splits() -> dict[str, tuple[str, str]]:
    """Scan name -> (split, group), of the scans that `splits.csv` lists; iFLYTEK's names have "iflytek-" before them."""
    with LISTED.open(newline="", encoding="utf-8") as handle:
        return {row["name"]: (row["split"], row["group"]) for row in csv.DictReader(handle)}


def _share(group: str) -> float:
    """A number in [0, 1) that depends on the group's name alone."""
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32


def _split(group: str, validation: float, test: float) -> str:
    share = _share(group)
    return TEST if share < test else VALIDATION if share < test + validation else TRAIN


def benign_scans(root: Path = SHARED) -> list[RealScan]:
    """The benign SIXray scans (N...); whole blocks of ten neighbouring numbers go to one split."""
    scans = []
    for file in sorted((root / "sixray" / "JPEGImage").glob("N*.jpg")):
        group = f"sixray-N-{int(file.stem[1:]) // _BENIGN_BLOCK:05d}"
        scans.append(RealScan(file, "sixray", group, _split(group, 0.2, 0.2), None, None))
    return scans


def opixray_scans(root: Path = SHARED) -> list[RealScan]:
    """OPIXray's boxed scans, both official lists.

    The official train and valid lists interleave in the numbering, so they share bags. Blocks of 100 neighbouring numbers
    go to one split; a scan of the official valid list is never trained on: outside the test blocks it is left out ("unused").
    """
    scans = []
    for part in ("train", "valid"):
        listing = root / "opixray" / f"{part}.csv"
        if not listing.exists():
            continue
        with listing.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                group = f"opixray-{int(Path(row['file']).stem) // _OPIXRAY_BLOCK:04d}"
                split = _split(group, 0.12, 0.18)
                if part == "valid" and split != TEST:
                    split = "unused"
                if row["class"] not in CLASSES:
                    continue
                x0, y0, x1, y1 = (float(row[key]) / 416 for key in ("xmin", "ymin", "xmax", "ymax"))
                scans.append(RealScan(root / "opixray" / part / row["file"], "opixray", group, split, row["class"], (x0, y0, x1, y1)))
    return scans
