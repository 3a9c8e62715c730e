"""Real bags with what is known of them: SIXray's later positives, iFLYTEK, and benign crops and belt frames, cut into bags by `bag-2`.

What is known differs by source, and is kept as it is: an image label is right but says nothing of place; most SIXray boxes name one object
of several; iFLYTEK never annotated guns, wrenches and pliers. So a bag carries a label a class (1 present, 0 absent, -1 unknown), and says
whether its boxes name every object of a class.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from lanescope.data.scans import in_parallel, remembered
from lanescope.data.splits import SHARED, listed_splits
from lanescope.patch import CLASSES
from lanescope.preprocess import Box, Located, NoBagError, crop_and_flatten, decode, locate
from lanescope.sixray import LayoutError, read_boxes, read_list

IFLYTEK_KNOWN = ("knife", "scissors")
"""Classes that iFLYTEK's annotators boxed wherever they saw them."""
INSIDE = 0.5
"""An object belongs to the bag that holds this share of its box or more."""

ObjectBox = tuple[float, float, float, float]


@dataclass
class RealBag:
    """One bag of a real scan on pure white."""

    pixels: np.ndarray
    """uint8 [h, w, 3]."""
    objects: list[tuple[str, ObjectBox]]
    """Class and x0, y0, x1, y1 in pixels of `pixels`."""
    labels: np.ndarray
    """int8 [5], 1 present, 0 absent, -1 unknown."""
    complete: np.ndarray
    """bool [5]: the boxes name every object of the class (where not, the class is unknown outside them)."""
    source: str
    """"sixray", "iflytek", "benign" (SIXray crops) or "frame" (SIXray belt frames)."""
    group: str
    name: str
    """The scan's name, and the bag's number where it holds several: "B0300/1"."""
    statistics: dict[str, float] = field(default_factory=dict)
    """Image statistics of the whole scan (MODEL_CONTRACT)."""

    def boxes(self, label: str) -> list[ObjectBox]:
        return [box for name, box in self.objects if name == label]


@dataclass(frozen=True)
class Annotated:
    """A scan's file and what its source says of it."""

    file: Path
    source: str
    group: str
    split: str
    labels: tuple[int, ...]
    """A class 1, 0 or -1, of the whole scan."""
    complete: tuple[bool, ...]
    boxes: tuple[tuple[str, ObjectBox], ...]
    """Class and edges in pixels of the scan."""


def read_annotated(scan: Annotated) -> np.ndarray:
    """Decode a scan; uint8 [H, W, 3]."""
    return decode(scan.file)


def annotated_scans(root: Path = SHARED, problems: Counter[str] | None = None) -> list[Annotated]:
    """Every scan of these sources that is there, with its truth.

    Args:
        root: the shared data folder; sources that are missing are counted in `problems` and left out.
        problems: counts of what disagreed or was left out, by a few words each.
    """
    counts = Counter() if problems is None else problems
    found = [*_sixray(root, counts), *_iflytek(root, counts), *_benign(root, counts)]
    unlisted = [scan for scan in found if not scan.split]
    counts["scans in no split: left out"] += len(unlisted)
    return [scan for scan in found if scan.split]


def _sixray(root: Path, problems: Counter[str]) -> list[Annotated]:
    folder = root / "sixray"
    lists = [folder / "ImageSet" / f"SIXray10_{part}.csv" for part in ("train", "test")]
    if not all(file.exists() for file in lists):
        problems["source missing: sixray"] += 1
        return []
    truth: dict[str, np.ndarray] = {}
    for file in lists:
        images = read_list(file)
        truth |= dict(zip(images.names.tolist(), images.labels.tolist(), strict=True))
    splits = listed_splits()
    found = []
    for file in sorted((folder / "JPEGImage").glob("P*.jpg")):
        if file.stem not in splits:  # the staged bags have a reader of their own (data/staged.py)
            continue
        named = truth.get(file.stem)
        if named is None:
            problems["sixray: scan without a label: left out"] += 1
            continue
        boxes: list[tuple[str, ObjectBox]] = []
        note = folder / "Annotation" / f"{file.stem}.xml"
        if note.exists():
            try:
                objects, size = read_boxes(note)
            except LayoutError:
                problems["sixray: annotation that cannot be read: labels only"] += 1
                objects, size = [], (0, 0)
            for box in objects:
                if named[CLASSES.index(box.label)] != 1:
                    problems[f"sixray: box of a class that the label denies ({box.label}): box left out"] += 1
                    continue
                x0, y0, x1, y1 = box.edges
                clipped = (max(0.0, x0), max(0.0, y0), min(float(size[0]), x1), min(float(size[1]), y1))
                if clipped != box.edges:
                    problems["sixray: box beyond its scan: clipped"] += 1
                if clipped[2] - clipped[0] >= 1 and clipped[3] - clipped[1] >= 1:
                    boxes.append((box.label, clipped))
        labels = tuple(int(v) for v in named)
        complete = tuple(v == 0 for v in labels)
        split, group = splits[file.stem]
        found.append(Annotated(file, "sixray", group, split, labels, complete, tuple(boxes)))
    return found


def _iflytek(root: Path, problems: Counter[str]) -> list[Annotated]:
    folder = root / "iflytek"
    if not (folder / "labels.csv").exists():
        problems["source missing: iflytek"] += 1
        return []
    boxes: dict[str, list[tuple[str, ObjectBox]]] = {}
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as handle:
        for row in csv.DictReader(handle):
            here = boxes.setdefault(row["file"], [])
            if row["class"] not in IFLYTEK_KNOWN:
                problems[f"iflytek: box of another class ({row['class']}): not used"] += 1
                continue
            w, h = float(row["width"]), float(row["height"])
            x0, y0, x1, y1 = (float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
            clipped = (max(0.0, x0), max(0.0, y0), min(w, x1), min(h, y1))
            if clipped != (x0, y0, x1, y1):
                problems["iflytek: box beyond its scan: clipped"] += 1
            if clipped[2] - clipped[0] >= 1 and clipped[3] - clipped[1] >= 1:
                here.append((row["class"], clipped))
    splits = listed_splits()
    found = []
    for file in sorted((folder / "images").glob("*.jpg")):
        here = boxes.get(file.name, [])
        names = {label for label, _ in here}
        labels = tuple(-1 if c not in IFLYTEK_KNOWN else int(c in names) for c in CLASSES)
        complete = tuple(c in IFLYTEK_KNOWN for c in CLASSES)
        split, group = splits.get(f"iflytek-{file.stem}", ("", ""))
        found.append(Annotated(file, "iflytek", group, split, labels, complete, tuple(here)))
    return found


def _benign(root: Path, problems: Counter[str]) -> list[Annotated]:
    splits = listed_splits()
    nothing = ((0,) * len(CLASSES), (True,) * len(CLASSES), ())
    found = []
    for file in sorted((root / "sixray" / "JPEGImage").glob("N*.jpg")):
        split, group = splits.get(file.stem, ("", ""))
        found.append(Annotated(file, "benign", group, split, *nothing))
    listing = root / "sixray_benign" / "files.csv"
    if not listing.exists():
        problems["source missing: sixray_benign"] += 1
        return found
    with listing.open(newline="", encoding="utf-8-sig") as handle:
        for row in csv.DictReader(handle):
            file = listing.parent / row["file"]
            split, group = splits.get(file.stem, ("", ""))
            found.append(Annotated(file, "benign" if row["kind"] == "crop" else "frame", group, split, *nothing))
    return found


def cut_into_bags(scan: Annotated, longest: tuple[int, ...]) -> list[list[RealBag]]:
    """The bags of one scan, at several sizes: a list of bags a size; empty lists where there is no bag.

    A class that the scan's label names is present in the bag that holds its box. In another bag it is absent where the boxes are
    complete, else
    unknown; without a box it is present where there is one bag alone, else unknown everywhere.

    Args:
        longest: longest side of the bags' crops, pixels, a size each.
    """
    image = read_annotated(scan)
    try:
        return cut_located(scan, image, locate(image), longest)
    except NoBagError:
        return [[] for _ in longest]


def cut_located(scan: Annotated, image: np.ndarray, located: Located, longest: tuple[int, ...]) -> list[list[RealBag]]:
    """`cut_into_bags` of a scan that is decoded and located already."""
    alone = len(located.bags) == 1
    made: list[list[RealBag]] = [[] for _ in longest]
    for number, bag in enumerate(located.bags):
        inside = [(label, box) for label, box in scan.boxes if _share_inside(box, bag) >= INSIDE]
        labels = np.array(scan.labels, np.int8)
        for c, label in enumerate(CLASSES):
            if labels[c] != 1 or any(name == label for name, _ in inside):
                continue
            boxed = any(name == label for name, _ in scan.boxes)
            labels[c] = 0 if scan.complete[c] and boxed else 1 if alone and not boxed else -1
        x0, y0, x1, y1 = bag
        for size, listed in zip(longest, made, strict=True):
            pixels = crop_and_flatten(image, bag, located.background, size)
            sx, sy = pixels.shape[1] / (x1 - x0), pixels.shape[0] / (y1 - y0)
            objects = [(label, ((a - x0) * sx, (b - y0) * sy, (c - x0) * sx, (d - y0) * sy)) for label, (a, b, c, d) in inside]
            name = scan.file.stem if alone else f"{scan.file.stem}/{number}"
            complete = np.array(scan.complete) & (labels >= 0)
            listed.append(
                RealBag(pixels, objects, labels.copy(), complete, scan.source, scan.group, name, located.statistics.as_manifest())
            )
    return made


def _share_inside(box: ObjectBox, bag: Box) -> float:
    w, h = min(box[2], bag[2]) - max(box[0], bag[0]), min(box[3], bag[3]) - max(box[1], bag[1])
    return max(0.0, w) * max(0.0, h) / max(1e-6, (box[2] - box[0]) * (box[3] - box[1]))


def load_bags(split: str, longest: int, cache: Path | None, root: Path = SHARED, problems: Counter[str] | None = None) -> list[RealBag]:
    """Every real bag of one split, through a cache file `bags-<split>-<longest>.npz` that is checked against the scans it was made of."""
    scans = [scan for scan in annotated_scans(root, problems) if scan.split == split]
    return remembered(
        None if cache is None else cache / f"bags-{split}-{longest}.npz",
        [f"{scan.file.name} {scan.labels} {scan.boxes}" for scan in scans],
        lambda: [bag for made in in_parallel(partial(cut_into_bags, longest=(longest,)), scans) for bag in made[0]],
    )
