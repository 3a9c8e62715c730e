"""Parallel projection: how many millimetres of each material lie behind every pixel, by signed-depth accumulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import materials
from .solid import Solid

SHEET_CAP = 6.0
"""A sheet seen edge-on is not infinitely thick: its path is at most this many walls."""


def thickness(
    solid: Solid, mm_per_px: float, oversample: int = 2, margin: int = 2
) -> tuple[npt.NDArray[np.float64], list[int], tuple[float, float]]:
    """Path length through each material along z.

    Sum over faces of (sign of the normal's z) * depth is the path length inside a closed solid. A face's depth is linear in x along
    a pixel row, so each directed edge adds that line's two coefficients at the pixel where it crosses the row, and one running sum a row
    gives the thickness: no triangles, no loop over pixels, and neighbouring faces meet exactly because they share their crossings.

    Args:
        solid: in mm; the rays run along z.
        mm_per_px: pixel pitch, mm.
        oversample: subpixels a side, averaged.
        margin: empty pixels around.

    Returns:
        (mm of material, float64 [materials present, H, W]; their indices; (x, y) in mm of the picture's upper left corner).
    """
    step = mm_per_px / oversample
    low = np.floor(solid.start.min(0)[:2] / mm_per_px - margin) * mm_per_px
    high = np.ceil(solid.start.max(0)[:2] / mm_per_px + margin) * mm_per_px
    width, height = (np.round((high - low) / mm_per_px).astype(int) * oversample).tolist()
    present, plane_of = np.unique(solid.material, return_inverse=True)

    nz = solid.normal[:, 2]
    steep = np.abs(nz) < 1e-6
    safe = np.where(steep, 1.0, nz)
    sheet = solid.wall > 0
    # Depth on a face: z = cx * x + cy * y + c.
    cx = np.where(sheet, 0.0, -solid.normal[:, 0] / safe)
    cy = np.where(sheet, 0.0, -solid.normal[:, 1] / safe)
    c = np.where(
        sheet,
        np.sign(safe) * solid.wall * np.minimum(1 / np.maximum(np.abs(safe), 1e-9), SHEET_CAP),
        solid.point[:, 2] - cx * solid.point[:, 0] - cy * solid.point[:, 1],
    )

    keep = ~steep[solid.face]
    a, b, face = solid.start[keep], solid.end[keep], solid.face[keep]
    downward = a[:, 1] > b[:, 1]
    sign = np.where(downward, 1.0, -1.0)
    # Both faces of an edge must compute the same crossing: always from its lower to its upper end.
    lower = np.where(downward[:, None], b, a)
    upper = np.where(downward[:, None], a, b)
    y0, y1 = (lower[:, 1] - low[1]) / step, (upper[:, 1] - low[1]) / step
    first = np.ceil(y0 - 0.5).astype(int)
    count = np.maximum(np.ceil(y1 - 0.5).astype(int) - first, 0)
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    rise = np.where(y1 > y0, y1 - y0, 1.0)
    x0, x1 = (lower[:, 0] - low[0]) / step, (upper[:, 0] - low[0]) / step
    crossing = x0[edge] + (row + 0.5 - y0[edge]) * ((x1 - x0) / rise)[edge]
    column = np.clip(np.ceil(crossing - 0.5).astype(int), 0, width)
    row = np.clip(row, 0, height - 1)
    f = face[edge]
    s = sign[edge]
    y = low[1] + (row + 0.5) * step
    cell = (plane_of[f] * height + row) * (width + 1) + column
    shape = (len(present), height, width + 1)
    total = int(np.prod(shape))
    slope = np.bincount(cell, s * cx[f], total).reshape(shape).cumsum(-1)[..., :width]
    level = np.bincount(cell, s * (cy[f] * y + c[f]), total).reshape(shape).cumsum(-1)[..., :width]
    x = low[0] + (np.arange(width) + 0.5) * step
    depth = np.linalg.norm(solid.size()) * 2
    mm = np.clip(slope * x + level, 0.0, depth)
    mm[mm < 1e-4] = 0.0
    if oversample > 1:
        mm = mm.reshape(len(present), height // oversample, oversample, width // oversample, oversample).mean((2, 4))
    return mm, present.tolist(), (float(low[0]), float(low[1]))


def attenuation(mm: npt.NDArray[np.floating], indices: list[int]) -> npt.NDArray[np.float32]:
    """Beer-Lambert's exponent, float32 [2, H, W] (low, high energy): sum over materials of mu * thickness. These add between objects."""
    mu = materials.linear()[indices]
    # A plain sum, not a matrix product: a threaded BLAS is slower at these sizes and may round differently from machine to machine.
    total = np.zeros((2, *mm.shape[1:]))
    for coefficients, plane in zip(mu, mm, strict=True):
        total += coefficients[:, None, None] * plane
    return total.astype(np.float32)
