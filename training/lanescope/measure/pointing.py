"""Where a map points: one bilinear resize, the paper's peak over scales (5.3), the app's fused peak, and what counts as a hit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lanescope.measure.labels import ABSENT, PRESENT, UNKNOWN

PLATEAU = 1e-6  # values this near the highest (relative, or absolute below 1) count as one flat spot, whatever the rounding


def resize_map(cam: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear resize, half-pixel centres, edges clamped (torch's align_corners=False).

    cam: float [..., h, w]; returns [..., height, width], float32 of float32 and else float64.
    """
    return sample_map(cam, (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width)


def sample_map(cam: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A map at the crossings of rows and columns, bilinear between cell centres, edges clamped.

    cam: float [..., h, w]; y: [H] and x: [W] in fractions of the map; returns [..., H, W].
    """
    cam = np.asarray(cam)
    cam = cam if cam.dtype == np.float32 else cam.astype(np.float64)
    y0, y1, fy = _taps(cam.shape[-2], y, cam.dtype)
    x0, x1, fx = _taps(cam.shape[-1], x, cam.dtype)
    rows = cam[..., y0, :] * (1 - fy)[:, None] + cam[..., y1, :] * fy[:, None]
    sampled: np.ndarray = rows[..., x0] * (1 - fx) + rows[..., x1] * fx
    return sampled


def _taps(source: int, at: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position = np.clip(np.asarray(at, np.float64) * source - 0.5, 0, source - 1)
    low = np.floor(position).astype(np.int64)
    return low, np.minimum(low + 1, source - 1), (position - low).astype(dtype)


def peak_over_scales(
    cams: Sequence[np.ndarray], height: int, width: int | None = None, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
) -> tuple[float, float]:
    """The paper's pointing peak (5.3): each level's map rescaled to the image, maximum over the levels, its highest spot.

    cams: one [h_l, w_l] a level, logit units. height, width: the image's, pixels (width: a square where left out). window: the part of
    the maps that shows the image, x0, y0, x1, y1 in fractions of the maps, where they hold padding beside it or only a part of it. Returns
    (x, y) in fractions of the image.
    """
    width = height if width is None else width
    x0, y0, x1, y1 = window
    rows, columns = y0 + (np.arange(height) + 0.5) / height * (y1 - y0), x0 + (np.arange(width) + 0.5) / width * (x1 - x0)
    return plateau_peak(np.maximum.reduce([sample_map(c, rows, columns) for c in cams]))


def cell_peaks(maps: np.ndarray) -> np.ndarray:
    """The app's peak: the centre of a fused map's largest cell, of equal ones the first.

    maps: [..., h, w]; returns float32 [..., 2], x and y in fractions.
    """
    height, width = maps.shape[-2:]
    at = maps.reshape(*maps.shape[:-2], height * width).argmax(axis=-1)
    return np.stack([(at % width + 0.5) / width, (at // width + 0.5) / height], axis=-1).astype(np.float32)


def plateau_peak(values: np.ndarray) -> tuple[float, float]:
    """Centre of the highest spot of a map [h, w], in fractions.

    Beyond the outermost cells' centres a resized map is flat up to the edge. Of such a flat spot the pixel nearest to the middle of the
    map is taken, which is the cell's centre: the first pixel would lie on the scan's edge, and a coarse map's peaks would all be misses.
    """
    height, width = values.shape
    top = float(values.max())
    ys, xs = np.nonzero(values >= top - PLATEAU * max(1.0, abs(top)))
    nearest = int(((2 * xs + 1 - width) ** 2 + (2 * ys + 1 - height) ** 2).argmin())
    return float((xs[nearest] + 0.5) / width), float((ys[nearest] + 0.5) / height)


def in_any_box(x: float, y: float, boxes: Sequence[Sequence[float]]) -> bool:
    """Whether a point lies in one of the boxes (xmin, ymin, xmax, ymax), edges included, all in one unit."""
    return any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in boxes)


def hit(x: float, y: float, boxes: Sequence[Sequence[float]]) -> int:
    """Whether a class's peak hits, an image and class at a time (5.3): 1 in a box of the class, 0 in none, -1 where it has no box."""
    if not boxes:
        return UNKNOWN
    return PRESENT if in_any_box(x, y, boxes) else ABSENT
