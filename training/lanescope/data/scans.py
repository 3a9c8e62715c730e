"""Real scans, cleaned as every scan is (preprocessing `bag-2`), with their boxes, cached as arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from lanescope.data.splits import RealScan
from lanescope.preprocess import NoBagError, crop_and_flatten, decode, locate

Of = TypeVar("Of")
Made = TypeVar("Made")
OPIXRAY_SHAPE = (1225, 954)
"""Width and height of an OPIXray scan before the data set stretched it to 416 x 416."""


@dataclass
class CleanScan:
    """A bag on pure white, cropped to its box."""

    pixels: np.ndarray
    """uint8 [h, w, 3]."""
    box: tuple[float, float, float, float] | None
    """The threat's box in pixels of `pixels`."""
    label: str | None
    group: str
    name: str
    statistics: dict[str, float] | None = None
    """Image statistics of the whole scan (MODEL_CONTRACT), where asked for."""


def read_scan(scan: RealScan) -> np.ndarray:
    """Decode a file; OPIXray is un-stretched to its own aspect ratio (a fault of that data set, not of scanners)."""
    image = decode(scan.file)
    if scan.dataset == "opixray":
        image = np.asarray(Image.fromarray(image).resize(OPIXRAY_SHAPE, Image.Resampling.BICUBIC))
    return image


def clean(scan: RealScan, longest: int) -> CleanScan | None:
    """Read and clean one scan; None when there is no bag in it."""
    image = read_scan(scan)
    try:
        located = locate(image)
    except NoBagError:
        return None
    pixels = crop_and_flatten(image, located.box, located.background, longest)
    box = None
    if scan.box is not None:
        x0, y0, x1, y1 = located.box
        sx, sy = pixels.shape[1] / (x1 - x0), pixels.shape[0] / (y1 - y0)
        height, width = image.shape[:2]
        a, b, c, d = scan.box
        box = ((a * width - x0) * sx, (b * height - y0) * sy, (c * width - x0) * sx, (d * height - y0) * sy)
    return CleanScan(pixels, box, scan.label, scan.group, scan.file.stem, located.statistics.as_manifest())


def in_parallel(work: Callable[[Of], Made], items: Sequence[Of]) -> list[Made]:
    """`work` of every item, in order, on all cores."""
    with ProcessPoolExecutor(os.cpu_count(), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        return list(pool.map(work, items, chunksize=16))


def load_clean(scans: list[RealScan], longest: int, cache: Path | None, key: str) -> list[CleanScan]:
    """Clean many scans, through a cache file.

    Args:
        scans: what to read.
        longest: longest side of the cleaned crops, pixels.
        cache: folder for `<key>-<longest>.npz`, or None for no cache.
        key: the cache's name; the list of files is checked against what it holds.
    """
    return remembered(
        None if cache is None else cache / f"{key}-{longest}.npz",
        [scan.file.stem for scan in scans],
        lambda: [c for c in in_parallel(partial(clean, longest=longest), scans) if c is not None],
    )


def remembered(file: Path | None, asked: list[str], make: Callable[[], list[Made]]) -> list[Made]:
    """What `make` makes, kept in a file that is believed only while it was made of the same things.

    Args:
        file: an `.npz`, or None to keep nothing.
        asked: a text for each thing that `make` works on.
    """
    if file is not None and file.exists():
        with np.load(file, allow_pickle=True) as stored:
            if stored["asked"].tolist() == asked:
                return list(stored["made"])
    made = make()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        array = np.empty(len(made), object)
        array[:] = made
        temporary = file.with_name(file.name + ".part.npz")
        np.savez(temporary, made=array, asked=np.array(asked))
        temporary.rename(file)
    return made


def smooth_away(pixels: np.ndarray, box: tuple[float, float, float, float], margin: float = 0.15) -> np.ndarray:
    """Erase what is in a box: fill it from its surroundings, so that the scan is a twin without the object.

    Args:
        pixels: uint8 [h, w, 3]; not changed.
        box: x0, y0, x1, y1 in pixels.
        margin: how far beyond the box, as a share of its sides.

    Returns:
        uint8 [h, w, 3].
    """
    height, width = pixels.shape[:2]
    mx, my = (box[2] - box[0]) * margin + 1, (box[3] - box[1]) * margin + 1
    x0, y0 = int(max(0, box[0] - mx)), int(max(0, box[1] - my))
    x1, y1 = int(min(width, box[2] + mx + 1)), int(min(height, box[3] + my + 1))
    if x1 <= x0 or y1 <= y0:
        return pixels.copy()
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return smooth_away_region(pixels, mask)


def smooth_away_region(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Erase what a mask covers: fill it from its surroundings.

    Args:
        pixels: uint8 [h, w, 3]; not changed.
        mask: bool [h, w].

    Returns:
        uint8 [h, w, 3].
    """
    if not mask.any():
        return pixels.copy()
    ring = 6
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    ax, ay = max(0, columns[0] - ring), max(0, rows[0] - ring)
    bx, by = min(width, columns[-1] + 1 + ring), min(height, rows[-1] + 1 + ring)
    patch, inside = pixels[ay:by, ax:bx], mask[ay:by, ax:bx]
    filled = cv2.inpaint(np.ascontiguousarray(patch), inside.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    out = pixels.copy()
    out[ay:by, ax:bx] = np.where(inside[..., None], filled, patch)
    return out
