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


def fill_region(pixels: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Fill a region of any shape from around it: averages of what is known, over wider and wider surroundings.

    pixels: uint8 [h, w, 3], not changed; region: bool [h, w]. Returns uint8 [h, w, 3].
    """
    known = (~region).astype(np.float32)
    soft = cv2.medianBlur(np.ascontiguousarray(pixels), 5).astype(np.float32)
    out = pixels.astype(np.float32)
    missing = region.copy()
    for reach in (2, 4, 8, 16, 32, 64, 128):
        weight = cv2.GaussianBlur(known, (0, 0), reach)
        mean = cv2.GaussianBlur(soft * known[..., None], (0, 0), reach) / np.maximum(weight, 1e-6)[..., None]
        now = missing & (weight > 0.25)
        out[now] = mean[now]
        missing &= ~now
        if not missing.any():
            break
    out[missing] = mean[missing]
    # Seams between the reaches would be edges that no scanner makes.
    smooth = cv2.GaussianBlur(out, (0, 0), 2)
    out[region] = smooth[region]
    return np.clip(out, 0, 255).round().astype(np.uint8)


def moved_elsewhere(pixels: np.ndarray, shape: np.ndarray, avoid: np.ndarray, seed: int, tries: int = 300) -> np.ndarray | None:
    """The same shape elsewhere in the bag: off what is to be avoided, on contents about as dark as what it covers now.

    pixels: uint8 [h, w, 3]; shape, avoid: bool [h, w]. Returns bool [h, w], one of the eight best places in mean darkness; None where
    the bag has no room (nine tenths of the shape must lie on the bag).
    """
    dark = 255 - pixels.astype(np.float32).mean(axis=2)
    bag = pixels.min(axis=2) < 250
    rows, columns = np.nonzero(shape)
    wanted = float(dark[shape].mean())
    height, width = shape.shape
    rng = np.random.default_rng(seed)
    places = []
    for _ in range(tries):
        flip = bool(rng.integers(2))
        xs = (columns.max() + columns.min() - columns) if flip else columns
        dy = int(rng.integers(-rows.min(), height - rows.max()))
        dx = int(rng.integers(-xs.min(), width - xs.max()))
        y, x = rows + dy, xs + dx
        if avoid[y, x].any() or bag[y, x].mean() < 0.9:
            continue
        places.append((abs(float(dark[y, x].mean()) - wanted), dy, dx, flip))
    if not places:
        return None
    best = sorted(places)[:8]
    _, dy, dx, flip = best[int(rng.integers(len(best)))]
    xs = (columns.max() + columns.min() - columns) if flip else columns
    moved = np.zeros_like(shape)
    moved[rows + dy, xs + dx] = True
    return moved


def _grown(box: Box, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    mx, my = (box[2] - box[0]) * margin + 1, (box[3] - box[1]) * margin + 1
    x0, y0 = int(np.clip(box[0] - mx, 0, width)), int(np.clip(box[1] - my, 0, height))
    return x0, y0, int(np.clip(np.ceil(box[2] + mx), 0, width)), int(np.clip(np.ceil(box[3] + my), 0, height))
