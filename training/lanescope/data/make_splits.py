"""How `splits.csv` was made: by runs of numbers, by look-alikes and by scanner type. Run once; kept so that it can be checked.

PYTHONPATH=training python -m lanescope.data.make_splits
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from lanescope.data.linkage import linked
from lanescope.data.splits import LISTED, SHARED, TEST, TRAIN, VALIDATION, benign_scans
from lanescope.preprocess import crop_and_flatten, decode, locate
from lanescope.sixray import read_list

STAGED_LAST = 250
RUN = 5
"""Positives whose numbers are no further apart may show one bag."""
ALIKE = 0.85
"""Correlation of thumbnails (best of eight turns) from which two scans count as one bag, wherever their numbers are."""
SHARES = {TEST: 0.27, VALIDATION: 0.13}
FRAME_RUN = 3
TEST_TYPE = "4"
"""iFLYTEK's scanner type (first digit of the name) that training never meets."""


def _thumbnails(file: Path) -> np.ndarray:
    image = decode(file)
    located = locate(image)
    crop = crop_and_flatten(image, located.box, located.background, 64)
    small = cv2.resize(crop, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    turned = [np.rot90(side, k) for side in (small, small[:, ::-1]) for k in range(4)]
    flat = np.array([(t - t.mean((0, 1))).ravel() for t in turned])
    return flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9)


def _groups(files: list[Path], run: int, alike: float | None) -> list[int]:
    """A group's number a file: neighbours in numbering and look-alikes together (single linkage)."""
    numbers = [int(file.stem[1:]) for file in files]
    links = [(i, i + 1) for i in range(len(files) - 1) if numbers[i + 1] - numbers[i] <= run]
    if alike is not None:
        thumbs = np.array([_thumbnails(file) for file in files])
        likeness = np.einsum("id,jkd->ijk", thumbs[:, 0], thumbs).max(axis=2)
        links += list(zip(*np.nonzero(np.triu(likeness > alike, 1)), strict=True))
    return linked(len(files), links)


def _order(name: str) -> str:
    return hashlib.sha256(f"lanescope {name}".encode()).hexdigest()


def main() -> None:
    rows: list[tuple[str, str, str]] = []
    folder = SHARED / "sixray"
    positives = [f for f in sorted((folder / "JPEGImage").glob("P*.jpg")) if int(f.stem[1:]) > STAGED_LAST]
    labels: dict[str, np.ndarray] = {}
    for part in ("train", "test"):
        listing = read_list(folder / "ImageSet" / f"SIXray10_{part}.csv")
        labels |= dict(zip(listing.names.tolist(), listing.labels.tolist(), strict=True))
    members: dict[int, list[Path]] = {}
    for file, group in zip(positives, _groups(positives, RUN, ALIKE), strict=True):
        members.setdefault(group, []).append(file)
    total = np.array([[max(0, v) for v in labels[f.stem]] for f in positives]).sum(axis=0)
    have = {split: np.zeros(5) for split in SHARES}
    # In an order that depends on names alone: a group goes to the split that lacks most of what it holds, unless it is too large for it.
    for first in sorted(members.values(), key=lambda files: _order(files[0].stem)):
        held = np.array([[max(0, v) for v in labels[f.stem]] for f in first]).sum(axis=0)
        split = TRAIN
        for candidate, share in SHARES.items():
            after = have[candidate] + held
            if len(first) <= 30 and (after[held > 0] <= np.ceil(share * total[held > 0])).all():
                split = candidate
                have[candidate] = after
                break
        rows += [(f.stem, f"sixray-{first[0].stem}", split) for f in first]
    rows += [(s.file.stem, s.group, s.split) for s in benign_scans()]
    kinds = {row["file"]: row["kind"] for row in csv.DictReader((SHARED / "sixray_benign" / "files.csv").open(newline=""))}
    for kind in sorted(set(kinds.values())):
        files = sorted(SHARED / "sixray_benign" / name for name, k in kinds.items() if k == kind)
        for file, number in zip(files, _groups(files, FRAME_RUN, None), strict=True):
            name = files[number].stem
            share = int(_order(name)[:8], 16) / 2**32
            rows.append((file.stem, f"benign-{name}", TEST if share < 0.3 else VALIDATION if share < 0.55 else TRAIN))
    for file in sorted((SHARED / "iflytek" / "images").glob("*.jpg")):
        block = f"iflytek-{int(file.stem) // 10}"
        share = int(_order(block)[:8], 16) / 2**32
        rows.append((f"iflytek-{file.stem}", block, TEST if file.stem[0] == TEST_TYPE else VALIDATION if share < 0.2 else TRAIN))
    with LISTED.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["name", "group", "split"])
        writer.writerows(rows)
    print(Counter((name[0], split) for name, _, split in rows), have)


if __name__ == "__main__":
    main()
