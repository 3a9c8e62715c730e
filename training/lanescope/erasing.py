"""Erased twins: the threat's box smoothed away, against a random box of the same size smoothed away in the same scan.

Both twins carry the same traces of erasing, so only the threat itself tells them apart. The fill is deliberately not the one that
training uses (`data/scans.smooth_away`): a model cannot have learned its traces.
"""

from __future__ import annotations

import cv2
import numpy as np

Box = tuple[float, float, float, float]


def erase(pixels: np.ndarray, box: Box, margin: float = 0.1) -> np.ndarray:
    """Fill a box from its edges (a Coons patch over the median-smoothed border), with margin as a share of its sides.

    pixels: uint8 [h, w, 3], not changed; box: x0, y0, x1, y1 in pixels. Returns uint8 [h, w, 3].
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = _grown(box, margin, width, height)
    out = pixels.copy()
    if x1 - x0 < 1 or y1 - y0 < 1:
        return out
    ax, ay, bx, by = max(0, x0 - 1), max(0, y0 - 1), min(width - 1, x1), min(height - 1, y1)
    # a median over 5 pixels keeps one bright or dark border pixel from drawing a streak through the box
    soft = cv2.medianBlur(np.ascontiguousarray(pixels), 5).astype(np.float32)
    top, bottom = soft[ay, x0:x1], soft[by, x0:x1]
    left, right = soft[y0:y1, ax], soft[y0:y1, bx]
    v = ((np.arange(y0, y1) - ay) / max(1, by - ay))[:, None, None]
    u = ((np.arange(x0, x1) - ax) / max(1, bx - ax))[None, :, None]
    rows = (1 - v) * top[None] + v * bottom[None]
    columns = (1 - u) * left[:, None] + u * right[:, None]
    corners = (1 - v) * ((1 - u) * soft[ay, ax] + u * soft[ay, bx]) + v * ((1 - u) * soft[by, ax] + u * soft[by, bx])
    out[y0:y1, x0:x1] = np.clip(rows + columns - corners, 0, 255).round().astype(np.uint8)
    return out


def random_box(pixels: np.ndarray, box: Box, seed: int, tries: int = 200) -> Box | None:
    """A box of the same size elsewhere in the bag: off the threat (with a margin), on contents about as dark as the threat's box.

    Of the random places tried, one of the eight nearest in mean darkness; None where the bag has no room.
    """
    height, width = pixels.shape[:2]
    w, h = box[2] - box[0], box[3] - box[1]
    if w >= width or h >= height:
        return None
    dark = 255 - pixels.astype(np.float32).mean(axis=2)
    integral = cv2.integral(dark)

    def darkness(x: int, y: int) -> float:
        x1, y1 = min(width, x + max(1, round(w))), min(height, y + max(1, round(h)))
        return float((integral[y1, x1] - integral[y, x1] - integral[y1, x] + integral[y, x]) / ((x1 - x) * (y1 - y)))

    rng = np.random.default_rng(seed)
    wanted = darkness(int(max(0, box[0])), int(max(0, box[1])))
    places = []
    for x, y in zip(rng.uniform(0, width - w, tries), rng.uniform(0, height - h, tries), strict=True):
        clear = x > box[2] + 0.2 * w or x + w < box[0] - 0.2 * w or y > box[3] + 0.2 * h or y + h < box[1] - 0.2 * h
        if clear:
            found = darkness(int(x), int(y))
            if found > 8:  # not on the empty background
                places.append((abs(found - wanted), x, y))
    if not places:
        return None
    _, x, y = sorted(places)[: min(8, len(places))][int(rng.integers(min(8, len(places))))]
    return float(x), float(y), float(x + w), float(y + h)


def _grown(box: Box, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    mx, my = (box[2] - box[0]) * margin + 1, (box[3] - box[1]) * margin + 1
    x0, y0 = int(np.clip(box[0] - mx, 0, width)), int(np.clip(box[1] - my, 0, height))
    return x0, y0, int(np.clip(np.ceil(box[2] + mx), 0, width)), int(np.clip(np.ceil(box[3] + my), 0, height))
