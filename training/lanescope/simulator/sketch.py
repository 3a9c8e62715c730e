"""A drawing board in millimetres: outlines and height maps of tools are drawn here, then lifted to solids."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .solid import Array, Solid, outline, prism, terraced

Mask = npt.NDArray[np.bool_]
Points = Sequence[tuple[float, float]]


class Board:
    """A canvas of `width` x `height` mm with the origin in its middle, y up, at `per_mm` pixels a millimetre."""

    def __init__(self, width: float, height: float, per_mm: float = 4.0) -> None:
        self.per_mm = per_mm
        self.shape = (int(height * per_mm), int(width * per_mm))
        self.origin = (self.shape[1] / 2, self.shape[0] / 2)

    def pixels(self, points: Points | Array) -> npt.NDArray[np.int32]:
        """Millimetres to OpenCV's fixed-point pixels (4 fractional bits)."""
        at = np.asarray(points, float) * self.per_mm + np.array(self.origin)
        return np.round(at * 16).astype(np.int32)

    def blank(self) -> npt.NDArray[np.uint8]:
        """An empty canvas."""
        return np.zeros(self.shape, np.uint8)

    def polygon(self, points: Points | Array) -> Mask:
        """A filled polygon."""
        canvas = self.blank()
        cv2.fillPoly(canvas, [self.pixels(points)], 1, shift=4)
        return canvas > 0

    def smooth(self, points: Points) -> Mask:
        """A filled closed curve through the points (Catmull-Rom)."""
        p = np.asarray(points, float)
        t = np.linspace(0, 1, 9)[:-1, None]
        a, b, c, d = np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0)
        curve = [
            0.5
            * (2 * b[i] + (c[i] - a[i]) * t + (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i]) * t**2 + (3 * b[i] - a[i] - 3 * c[i] + d[i]) * t**3)
            for i in range(len(p))
        ]
        return self.polygon(np.concatenate(curve))

    def disc(self, x: float, y: float, radius: float) -> Mask:
        """A filled circle."""
        canvas = self.blank()
        cv2.circle(canvas, self.pixels([(x, y)])[0].tolist(), int(radius * self.per_mm * 16), 1, -1, shift=4)
        return canvas > 0

    def oval(self, x: float, y: float, rx: float, ry: float, angle: float = 0.0) -> Mask:
        """A filled ellipse; angle in radians."""
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        c, s = np.cos(angle), np.sin(angle)
        u, v = rx * np.cos(t), ry * np.sin(t)
        return self.polygon(np.stack([x + c * u - s * v, y + s * u + c * v], 1))

    def bar(self, x0: float, x1: float, y0: float, y1: float, corner: float = 0.0) -> Mask:
        """A rectangle with rounded corners."""
        if corner <= 0:
            return self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        c = min(corner, (x1 - x0) / 2, (y1 - y0) / 2)
        mask = self.polygon([(x0 + c, y0), (x1 - c, y0), (x1 - c, y1), (x0 + c, y1)])
        mask |= self.polygon([(x0, y0 + c), (x1, y0 + c), (x1, y1 - c), (x0, y1 - c)])
        for x in (x0 + c, x1 - c):
            for y in (y0 + c, y1 - c):
                mask |= self.disc(x, y, c)
        return mask

    def stroke(self, points: Points | Array, widths: Sequence[float] | float) -> Mask:
        """A smooth limb through the points whose width follows `widths` (mm)."""
        path, wide = spline(points, widths)
        canvas = self.blank()
        for (x, y), w in zip(self.pixels(path).tolist(), wide.tolist(), strict=True):
            cv2.circle(canvas, (x, y), max(int(w / 2 * self.per_mm * 16), 8), 1, -1, shift=4)
        return canvas > 0

    def hex(self, x: float, y: float, across: float, turn: float = 0.0) -> Mask:
        """A hexagon `across` its flats."""
        angle = np.arange(6) * np.pi / 3 + turn
        r = across / np.sqrt(3)
        return self.polygon(np.stack([x + r * np.cos(angle), y + r * np.sin(angle)], 1))

    def rounded(self, mask: Mask, thick: float, edge: float) -> npt.NDArray[np.float64]:
        """Height map of a part `thick` mm whose rim is rounded over `edge` mm."""
        distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) / self.per_mm
        t = np.clip(distance / max(edge, 1e-3), 0, 1)
        return thick * np.sqrt(np.clip(1 - (1 - t) ** 2, 0, 1)) * mask

    def blade(self, mask: Mask, thick: float, grind: float) -> npt.NDArray[np.float64]:
        """Height map of a blade: `thick` mm, ground down linearly to a quarter over `grind` mm from its outline."""
        distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) / self.per_mm
        return thick * np.clip(0.25 + 0.75 * distance / max(grind, 1e-3), 0, 1) * mask

    def plate(self, mask: Mask, z0: float, z1: float, material: str) -> Solid:
        """A mask as a plate between two heights."""
        return prism(outline(mask, self.per_mm, self.origin), z0, z1, material)

    def lift(self, height: npt.NDArray[np.floating], material: str, levels: int = 5, z: float = 0.0) -> Solid:
        """A height map as a solid symmetric about z."""
        return terraced(height, self.per_mm, self.origin, material, levels, z)


def spline(points: Points | Array, widths: Sequence[float] | float, step: float = 0.5) -> tuple[Array, Array]:
    """A smooth path (no overshoot) through the points every `step` mm, with the widths along it."""
    p = np.asarray(points, float)
    w = np.broadcast_to(np.asarray(widths, float), len(p))
    s = np.concatenate([[0], np.cumsum(np.maximum(np.linalg.norm(np.diff(p, axis=0), axis=1), 1e-6))])
    t = np.linspace(0, s[-1], max(int(s[-1] / step), 2))
    if len(p) == 2:
        return np.stack([np.interp(t, s, p[:, k]) for k in range(p.shape[1])], 1), np.interp(t, s, w)
    return _hermite(s, p, t), np.interp(t, s, w)


def _hermite(s: Array, p: Array, t: Array) -> Array:
    """Monotone cubic interpolation of the columns of p (Fritsch and Butland 1984, doi 10.1137/0905021): smooth, without overshoot."""
    h = np.diff(s)[:, None]
    slope = np.diff(p, axis=0) / h
    same = slope[1:] * slope[:-1] > 0
    mean = np.where(
        same,
        3
        * (h[1:] + h[:-1])
        / np.where(same, (2 * h[1:] + h[:-1]) / np.where(same, slope[:-1], 1) + (h[1:] + 2 * h[:-1]) / np.where(same, slope[1:], 1), 1),
        0,
    )
    tangent = np.concatenate([slope[:1], mean, slope[-1:]])
    i = np.clip(np.searchsorted(s, t, "right") - 1, 0, len(h) - 1)
    u, w = ((t - s[i]) / h[i, 0])[:, None], h[i]
    a, b = p[i], p[i + 1]
    return (1 + 2 * u) * (1 - u) ** 2 * a + u * (1 - u) ** 2 * w * tangent[i] + u**2 * (3 - 2 * u) * b + u**2 * (u - 1) * w * tangent[i + 1]


def turned(points: Points | Array, angle: float) -> Array:
    """2D points rotated about the origin (radians)."""
    p = np.asarray(points, float)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * p[:, 0] - s * p[:, 1], s * p[:, 0] + c * p[:, 1]], 1)


Rng = np.random.Generator


def pick(rng: Rng, *options: str) -> str:
    """One of the options; repeat an option to make it likelier."""
    return options[int(rng.integers(len(options)))]
