"""Parallel projection: how many millimetres of each material lie behind every pixel, by signed-depth accumulation (torch, any device)."""

from __future__ import annotations

import numpy as np
import torch

from . import materials
from .solid import Solid

SHEET_CAP = 6.0
"""A sheet seen edge-on is not infinitely thick: its path is at most this many walls."""

Device = str | torch.device


def thickness(
    solid: Solid, mm_per_px: float, oversample: int = 2, margin: int = 2, device: Device = "cpu"
) -> tuple[torch.Tensor, list[int], tuple[float, float]]:
    """Path length through each material along z.

    Sum over faces of (sign of the normal's z) * depth is the path length inside a closed solid. A face's depth is linear in x along
    a pixel row, so each directed edge adds that line's two coefficients at the pixel where it crosses the row, and one running sum a row
    gives the thickness: no loop over triangles or pixels, and neighbouring faces meet exactly because they share their crossings.

    Args:
        solid: in mm; the rays run along z.
        mm_per_px: pixel pitch, mm.
        oversample: subpixels a side, averaged.
        margin: empty pixels around.
        device: where to compute. float64 throughout: a steep face's two coefficients cancel, and CPU and GPU then agree to 1e-9 mm.

    Returns:
        (mm of material, float64 [materials present, H, W] on the device; their indices; (x, y) in mm of the picture's upper left corner).
    """
    step = mm_per_px / oversample
    low = np.floor(solid.start.min(0)[:2] / mm_per_px - margin) * mm_per_px
    high = np.ceil(solid.start.max(0)[:2] / mm_per_px + margin) * mm_per_px
    width, height = (np.round((high - low) / mm_per_px).astype(int) * oversample).tolist()
    left, top = float(low[0]), float(low[1])
    present, plane = np.unique(solid.material, return_inverse=True)

    shapes = (solid.start, solid.end, solid.normal, solid.point, solid.wall)
    start, end, normal, point, wall = (torch.as_tensor(array, dtype=torch.float64, device=device) for array in shapes)
    face_of, plane_of = (torch.as_tensor(array.reshape(-1), dtype=torch.int64, device=device) for array in (solid.face, plane))

    nz = normal[:, 2]
    steep = nz.abs() < 1e-6
    safe = torch.where(steep, torch.ones_like(nz), nz)
    sheet = wall > 0
    # Depth on a face: z = cx * x + cy * y + c.
    cx = torch.where(sheet, torch.zeros_like(nz), -normal[:, 0] / safe)
    cy = torch.where(sheet, torch.zeros_like(nz), -normal[:, 1] / safe)
    c = torch.where(
        sheet,
        safe.sign() * wall * (1 / safe.abs()).clamp(max=SHEET_CAP),
        point[:, 2] - cx * point[:, 0] - cy * point[:, 1],
    )

    keep = ~steep[face_of]
    a, b, face = start[keep], end[keep], face_of[keep]
    downward = a[:, 1] > b[:, 1]
    # Both faces of an edge must compute the same crossing: always from its lower to its upper end.
    lower = torch.where(downward[:, None], b, a)
    upper = torch.where(downward[:, None], a, b)
    y0, y1 = (lower[:, 1] - top) / step, (upper[:, 1] - top) / step
    x0, x1 = (lower[:, 0] - left) / step, (upper[:, 0] - left) / step
    first = (y0 - 0.5).ceil()
    count = ((y1 - 0.5).ceil() - first).clamp(min=0).long()
    edge = torch.repeat_interleave(count)
    row = torch.arange(len(edge), device=device) - (count.cumsum(0) - count)[edge] + first.long()[edge]
    slope = (x1 - x0) / torch.where(y1 > y0, y1 - y0, torch.ones_like(y0))
    at = (x0 + (0.5 - y0) * slope)[edge] + row * slope[edge]
    column = (at - 0.5).ceil().long().clamp(0, width)
    row = row.clamp(0, height - 1)
    f = face[edge]
    sign = torch.where(downward, 1.0, -1.0).double()[edge]
    cell = (plane_of[f] * height + row) * (width + 1) + column
    shape = (len(present), height, width + 1)
    total = shape[0] * shape[1] * shape[2]
    y = top + (row + 0.5) * step
    per_mm = torch.bincount(cell, sign * cx[f], total).view(shape).cumsum(-1)[..., :width]
    level = torch.bincount(cell, sign * (cy[f] * y + c[f]), total).view(shape).cumsum(-1)[..., :width]
    x = left + (torch.arange(width, device=device, dtype=torch.float64) + 0.5) * step
    mm = (per_mm * x + level).clamp(0.0, float(np.linalg.norm(solid.size())) * 2)
    mm[mm < 1e-4] = 0.0
    if oversample > 1:
        mm = mm.view(len(present), height // oversample, oversample, width // oversample, oversample).mean((2, 4))
    return mm, present.tolist(), (left, top)


def attenuation(mm: torch.Tensor, indices: list[int]) -> torch.Tensor:
    """Beer-Lambert's exponent, float32 [2, H, W] (low, high energy): sum over materials of mu * thickness. These add between objects."""
    mu = torch.as_tensor(materials.linear()[indices], dtype=mm.dtype, device=mm.device)
    # A plain sum, not a matrix product: a threaded BLAS is slower at these sizes and may round differently from machine to machine.
    return (mu[:, :, None, None] * mm[:, None]).sum(0).float()
