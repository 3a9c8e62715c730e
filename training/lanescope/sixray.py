"""SIXray as published: image lists, boxes, and the paper's SIXray10 / 100 / 1000 subsets and 80/20 splits.

    ROOT/JPEGImage/P00022.jpg     scans, P with and N without prohibited items
    ROOT/Annotation/P00022.xml    VOC boxes (test positives only, in the release)
    ROOT/ImageSet/*.csv           name,Gun,Knife,Wrench,Pliers,Scissors with 1 present, -1 absent, 0 difficult

A list is the truth about what belongs to the data set. Nothing here looks at the scans themselves until one is opened: the release
holds a million files, and a stat for each takes minutes on a network share.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lanescope.labels import PUBLISHED, Box, LayoutError, read_annotation, read_rows
from lanescope.patch import CLASSES

TEST_SHARE = 0.2
POSITIVES_A_CLASS = 1000
"""SIXray1000 keeps this many positives a class, and every negative (paper, section 3)."""
PAPER_TABLE_1 = {"gun": 3131, "knife": 1943, "wrench": 2199, "pliers": 3961, "scissors": 983, "positives": 8929, "total": 1059231}


@dataclass(frozen=True)
class ImageList:
    """Scans by name with their labels."""

    names: np.ndarray
    """str [N]"""
    labels: np.ndarray
    """int8 [N, 5] in the order of `CLASSES`: 1 present, 0 absent, -1 difficult (the files write the last two the other way)."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def positive(self) -> np.ndarray:
        """bool [N]: scans of the positive part. The release names them P: a few hold only a hammer, so labels alone would miss them."""
        return np.char.startswith(self.names, "P") | (self.labels > 0).any(axis=1)

    def take(self, rows: np.ndarray) -> ImageList:
        """The rows by index or by mask."""
        return ImageList(self.names[rows], self.labels[rows])

    def write(self, file: Path) -> None:
        """Write the published CSV."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["name", *(c.capitalize() for c in CLASSES)])
            for name, row in zip(self.names.tolist(), self.labels.tolist(), strict=True):
                writer.writerow([name, *(PUBLISHED[label] for label in row)])


def read_list(file: Path | str) -> ImageList:
    """Read one CSV of ImageSet; columns are found by their header, whatever their order.

    Raises:
        LayoutError: a class column is missing, a label is not 1, 0 or -1, or a name appears twice.
    """
    rows = read_rows(file)
    labels = np.array([row.labels for row in rows], dtype=np.int8).reshape(-1, len(CLASSES))
    return ImageList(np.array([row.name for row in rows], dtype=np.str_), labels)


def merge(lists: Iterable[ImageList]) -> ImageList:
    """All scans of several lists, each once, sorted by name. Raises LayoutError where two lists label a scan differently."""
    parts = list(lists)
    if not parts:
        raise LayoutError("no list to merge")
    names, labels = np.concatenate([p.names for p in parts]), np.concatenate([p.labels for p in parts])
    order = np.argsort(names, kind="stable")
    names, labels = names[order], labels[order]
    same = np.append(False, names[1:] == names[:-1]) if len(names) else np.zeros(0, dtype=bool)
    clash = same & np.append(False, (labels[1:] != labels[:-1]).any(axis=1)) if len(names) else same
    if clash.any():
        raise LayoutError(f"{names[clash][0]} has two different labels")
    return ImageList(names[~same], labels[~same])


def read_boxes(file: Path | str) -> tuple[list[Box], tuple[int, int]]:
    """Boxes of the five classes and (width, height) from one VOC XML; other names (hammer) are left out.

    Raises:
        LayoutError: the file is no annotation, states no size, or a box of the five classes cannot be used. (`labels.read_annotation` tells
            of a bad box and goes on.)
    """
    found = read_annotation(file)
    if found.size is None:
        raise LayoutError(f"{file}: the scan has no size")
    if found.bad:
        raise LayoutError(f"{file}: {'; '.join(found.bad)}")
    return found.boxes, (int(found.size[0]), int(found.size[1]))


class SIXray:
    """A data set in the published layout; construction touches no file."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def image(self, name: str) -> Path:
        """Where a scan lies; whether it does is found when it is opened."""
        return self.root / "JPEGImage" / f"{name}.jpg"

    def lists(self) -> dict[str, ImageList]:
        """Every list under ImageSet, by its path without .csv: `SIXray10_train`, or `10/train` as some releases have it."""
        folder = self.root / "ImageSet"
        files = sorted(folder.rglob("*.csv"))
        if not files:
            raise LayoutError(f"{folder}: no list (*.csv)")
        return {f.relative_to(folder).with_suffix("").as_posix(): read_list(f) for f in files}

    def everything(self) -> ImageList:
        """The union of all lists."""
        return merge(self.lists().values())

    def boxes(self, name: str) -> list[Box] | None:
        """The scan's boxes; None where the release has no annotation for it (which says nothing about what is in it)."""
        try:
            return read_boxes(self.root / "Annotation" / f"{name}.xml")[0]
        except FileNotFoundError:
            return None

    def annotated(self) -> list[str]:
        """Names with an annotation, by one directory listing."""
        return _stems(self.root / "Annotation", ".xml")

    def present(self) -> list[str]:
        """Names whose scan is there, by one directory listing."""
        return _stems(self.root / "JPEGImage", ".jpg")


def _stems(folder: Path, suffix: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(e.name[: -len(suffix)] for e in entries if e.name.endswith(suffix))


# --- subsets and splits ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subset:
    """One benchmark subset in two parts that share no scan."""

    train: ImageList
    test: ImageList
    wanted: int
    """Negatives that the rule asks for; fewer are there where the pool has fewer."""

    @property
    def ratio(self) -> float:
        """Realised negatives a positive."""
        positives = self.train.positive.sum() + self.test.positive.sum()
        return (len(self.train) + len(self.test) - positives) / max(1, positives)


def _order(names: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A shuffle that depends on each name, the seed and nothing else (not on the list's order, NumPy's version or what else is listed)."""
    keys = [hashlib.blake2b(f"{purpose}:{seed}:{n}".encode(), digest_size=8).digest() for n in names.tolist()]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def split(pool: ImageList, seed: int = 0, test_share: float = TEST_SHARE) -> tuple[ImageList, ImageList]:
    """80/20 train and test (5.1), positives and negatives each, to the nearest scan."""
    test = np.zeros(len(pool), dtype=bool)
    for part in (pool.positive, ~pool.positive):
        rows = np.flatnonzero(part)
        test[rows[_order(pool.names[rows], seed, "split")[: round(test_share * len(rows))]]] = True
    return pool.take(~test), pool.take(test)


def subset(pool: ImageList, ratio: int, seed: int = 0, test_share: float = TEST_SHARE) -> Subset:
    """SIXray10, SIXray100 or SIXray1000 by the paper's rules.

    10 and 100 hold all positives and that many negatives a positive. 1000 holds 1,000 positives a class (all of a class that has
    fewer; a scan with two classes counts for both) and every negative. The pool is split once and subsets are cut from the parts,
    so a scan that is in one subset's test part is in no subset's train part, and SIXray10 lies within SIXray100.
    """
    if ratio < 1:
        raise ValueError(f"ratio {ratio}: at least one negative a positive")
    parts, wanted = [], 0
    for whole, share in zip(split(pool, seed, test_share), (1 - test_share, test_share), strict=True):
        positive = np.flatnonzero(whole.positive)
        negative = np.flatnonzero(~whole.positive)
        negative = negative[_order(whole.names[negative], seed, "negatives")]
        if ratio == 1000:
            limit = round(POSITIVES_A_CLASS * share)
            shuffled = positive[_order(whole.names[positive], seed, "positives")]
            kept = {int(i) for c in range(len(CLASSES)) for i in shuffled[whole.labels[shuffled, c] > 0][:limit]}
            positive = np.array(sorted(kept), dtype=np.int64)
            wanted += len(negative)
        else:
            wanted += ratio * len(positive)
            negative = negative[: ratio * len(positive)]
        parts.append(whole.take(np.sort(np.concatenate([positive, negative]))))
    return Subset(parts[0], parts[1], wanted)


def counts(images: ImageList) -> dict[str, int]:
    """Table 1's row: scans that hold each class, positives, negatives, total."""
    positives = int(images.positive.sum())
    row = {c: int((images.labels[:, k] > 0).sum()) for k, c in enumerate(CLASSES)}
    return {**row, "positives": positives, "negatives": len(images) - positives, "total": len(images)}
