"""Real objects cut out of real scans: transmission = scan / local background envelope."""

from __future__ import annotations

import cv2
import numpy as np

from lanescope.data.scans import CleanScan
from lanescope.patch import DISTRACTOR, Patch


def envelope(pixels: np.ndarray, reach: int) -> np.ndarray:
    """What the scan would look like without small dark things: a grey closing a channel, smoothed.

    Args:
        pixels: uint8 [h, w, 3].
        reach: objects narrower than this many pixels vanish.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, kernel)
    return cv2.GaussianBlur(closed, (0, 0), reach / 4)


def cut(pixels: np.ndarray, box: tuple[float, float, float, float], label: str, source: str) -> Patch | None:
    """Cut the object in a box out of a cleaned scan.

    Returns:
        None when nothing in the box is clearly darker than its surroundings.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (int(np.floor(box[0])), int(np.floor(box[1])), int(np.ceil(box[2])), int(np.ceil(box[3])))
    margin = int(0.5 * max(x1 - x0, y1 - y0)) + 4
    ax, ay, bx, by = max(0, x0 - margin), max(0, y0 - margin), min(width, x1 + margin), min(height, y1 + margin)
    region = np.ascontiguousarray(pixels[ay:by, ax:bx])
    if min(region.shape[:2]) < 12:
        return None
    reach = max(9, int(0.45 * min(x1 - x0, y1 - y0)) | 1)
    transmission = region.astype(np.float32).clip(4) / envelope(region, reach).astype(np.float32).clip(4)
    transmission = np.clip(transmission, 0.03, 1)
    inner = np.zeros(region.shape[:2], np.float32)
    inner[max(0, y0 - ay) : y1 - ay, max(0, x0 - ax) : x1 - ax] = 1
    # Red is what metal takes first in every palette here.
    mask = ((transmission[..., 0] < 0.72) & (inner > 0)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = np.concatenate([[False], areas >= 0.15 * areas.max()])[labels]
    box_area = max(1, (x1 - x0) * (y1 - y0))
    if not 0.06 * box_area < keep.sum() < 0.9 * box_area:
        return None
    soft = cv2.GaussianBlur(cv2.dilate(keep.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 0.8) * inner
    transmission = 1 - (1 - transmission) * soft[..., None]
    rows, columns = np.flatnonzero(keep.any(axis=1)), np.flatnonzero(keep.any(axis=0))
    part = (slice(max(0, rows[0] - 2), rows[-1] + 3), slice(max(0, columns[0] - 2), columns[-1] + 3))
    return Patch(np.ascontiguousarray(transmission[part], np.float32), np.ascontiguousarray(keep[part]), label, source)


def is_one_thing(patch: Patch) -> bool:
    """Whether a cut-out has a shape of its own: one that fills its frame is the object with all that lay round it."""
    return bool(patch.mask.mean() < 0.66)


def threat_cutouts(scans: list[CleanScan]) -> list[Patch]:
    """The boxed object of every scan, where it can be cut."""
    patches = (cut(s.pixels, s.box, s.label, f"{s.group}:{s.name}") for s in scans if s.box is not None and s.label is not None)
    return [patch for patch in patches if patch is not None]


def distractor_cutouts(scans: list[CleanScan], rng: np.random.Generator, limit: int) -> list[Patch]:
    """Random metal things of the same scans, away from the boxed threat, cut exactly as the threats are."""
    patches: list[Patch] = []
    for _ in range(limit * 6):
        if len(patches) >= limit:
            break
        scan = scans[int(rng.integers(len(scans)))]
        h, w = scan.pixels.shape[:2]
        side = rng.uniform(0.05, 0.2) * max(h, w)
        stretch = np.exp(rng.uniform(-0.6, 0.6))
        bw, bh = side * stretch, side / stretch
        x, y = rng.uniform(0, max(1, w - bw)), rng.uniform(0, max(1, h - bh))
        box = (x, y, x + bw, y + bh)
        if (near := scan.box) is not None and not (
            box[2] < near[0] - 3 or box[0] > near[2] + 3 or box[3] < near[1] - 3 or box[1] > near[3] + 3
        ):
            continue
        patch = cut(scan.pixels, box, DISTRACTOR, f"{scan.group}:{scan.name}:other")
        if patch is not None and patch.transmission.min() < 0.5:
            patches.append(patch)
    return patches
