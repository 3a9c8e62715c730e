"""The bag's attenuation as it builds up: a canvas in millimetres onto which things add (they never replace each other)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from . import materials

Float = npt.NDArray[np.float32]


def mu(material: str) -> Float:
    """Linear attenuation of a material at the two energies, per mm, float32 [2]."""
    row: Float = materials.linear()[materials.index(material)].astype(np.float32)
    return row


class Field:
    """Attenuation float32 [2, H, W] at `pitch` mm a pixel; (0, 0) mm is the canvas's middle."""

    def __init__(self, width_mm: float, height_mm: float, pitch: float) -> None:
        self.pitch = pitch
        self.shape = (max(round(height_mm / pitch), 8), max(round(width_mm / pitch), 8))
        self.attenuation: Float = np.zeros((2, *self.shape), np.float32)

    def at(self, points: Sequence[tuple[float, float]] | npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Millimetres to pixels."""
        return np.asarray(points, float) / self.pitch + np.array([self.shape[1] / 2, self.shape[0] / 2])

    def grid(self) -> tuple[Float, Float]:
        """Pixel centres in mm: x [1, W], y [H, 1]."""
        h, w = self.shape
        x = (np.arange(w, dtype=np.float32) + 0.5 - w / 2) * self.pitch
        y = (np.arange(h, dtype=np.float32) + 0.5 - h / 2) * self.pitch
        return x[None], y[:, None]

    def fill(self, mm: Float, material: str) -> None:
        """Add a whole-canvas thickness map, float32 [H, W] mm."""
        for plane, coefficient in zip(self.attenuation, mu(material), strict=True):
            plane += mm * coefficient

    def _stamp(self, pixels: npt.NDArray[np.float64], pad: float, mm: float, material: str, draw) -> None:  # type: ignore[no-untyped-def]
        low = np.maximum(np.floor(pixels.min(0) - pad), 0).astype(int)
        high = np.minimum(np.ceil(pixels.max(0) + pad) + 1, [self.shape[1], self.shape[0]]).astype(int)
        if (high <= low).any():
            return
        canvas = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        draw(canvas, np.round((pixels - low - 0.5) * 16).astype(np.int32))
        view = self.attenuation[:, low[1] : high[1], low[0] : high[0]]
        view += (canvas.astype(np.float32) * np.float32(mm / 255.0))[None] * mu(material)[:, None, None]

    def line(self, points: npt.NDArray[np.floating], width: float, mm: float, material: str, closed: bool = False) -> None:
        """A band along a path: `width` mm wide, `mm` thick. Thinner than a pixel: one pixel of less."""
        pixels = self.at(points)
        wide = width / self.pitch
        thin = min(wide, 1.0)

        def draw(canvas: npt.NDArray[np.uint8], p: npt.NDArray[np.int32]) -> None:
            cv2.polylines(canvas, [p], closed, 255, max(round(wide), 1), cv2.LINE_AA, 4)

        self._stamp(pixels, wide + 2, mm * thin, material, draw)

    def polygon(self, points: Sequence[tuple[float, float]] | npt.NDArray[np.floating], mm: float, material: str) -> None:
        """A flat plate."""

        def draw(canvas: npt.NDArray[np.uint8], p: npt.NDArray[np.int32]) -> None:
            cv2.fillPoly(canvas, [p], 255, cv2.LINE_AA, 4)

        self._stamp(self.at(points), 2, mm, material, draw)

    def dots(self, points: npt.NDArray[np.floating], radius: float, mm: float, material: str) -> None:
        """Many small discs, [n, 2] mm. Those below a pixel are spread over their four neighbours by area, all at once."""
        if radius > 0.7 * self.pitch:
            for x, y in points:
                self.disc(float(x), float(y), radius, mm, material)
            return
        pixels = self.at(points) - 0.5
        corner = np.floor(pixels).astype(int)
        part = pixels - corner
        share = mm * np.pi * (radius / self.pitch) ** 2
        sheet = np.zeros(self.shape, np.float32)
        for dx in (0, 1):
            for dy in (0, 1):
                c, r = corner[:, 0] + dx, corner[:, 1] + dy
                ok = (c >= 0) & (r >= 0) & (c < self.shape[1]) & (r < self.shape[0])
                weight = np.where(dx, part[:, 0], 1 - part[:, 0]) * np.where(dy, part[:, 1], 1 - part[:, 1]) * share
                np.add.at(sheet, (r[ok], c[ok]), weight[ok])
        self.fill(sheet, material)

    def disc(self, x: float, y: float, radius: float, mm: float, material: str) -> None:
        """A flat disc."""
        size = radius / self.pitch

        def draw(canvas: npt.NDArray[np.uint8], p: npt.NDArray[np.int32]) -> None:
            cv2.circle(canvas, p[0].tolist(), max(int(size * 16), 6), 255, -1, cv2.LINE_AA, 4)

        self._stamp(self.at([(x, y)]), size + 2, mm * min(1.0, max(size, 0.3) * 2), material, draw)

    def sprite(
        self,
        attenuation: npt.NDArray[np.floating],
        pitch: float,
        x: float,
        y: float,
        angle: float,
        mirror: bool,
        within: Float | None = None,
    ) -> tuple[slice, slice, Float] | None:
        """Add a rendered object, rotated in the plane, its middle at (x, y) mm.

        Args:
            attenuation: [2, h, w] at `pitch` mm a pixel.
            within: float32 [H, W] 0 ... 1, what the object is multiplied by (soft things are squeezed into the bag).

        Returns:
            (rows, columns, what was added there float32 [2, r, c]), or None when it lies outside the canvas.
        """
        warped = place(attenuation, pitch, self.pitch, angle, mirror)
        h, w = warped.shape[:2]
        cx, cy = self.at([(x, y)])[0]
        left, top = round(cx - w / 2), round(cy - h / 2)
        r0, c0 = max(top, 0), max(left, 0)
        r1, c1 = min(top + h, self.shape[0]), min(left + w, self.shape[1])
        if r0 >= r1 or c0 >= c1:
            return None
        added = np.moveaxis(warped[r0 - top : r1 - top, c0 - left : c1 - left], -1, 0)
        if within is not None:
            added = added * within[r0:r1, c0:c1]
        self.attenuation[:, r0:r1, c0:c1] += added
        return slice(r0, r1), slice(c0, c1), added


def place(attenuation: npt.NDArray[np.floating], pitch: float, target_pitch: float, angle: float, mirror: bool) -> Float:
    """Rotate and rescale a rendered object [2, h, w] onto another pitch; float32 [H, W, 2] (OpenCV's layout)."""
    source = np.moveaxis(np.asarray(attenuation, np.float32), 0, -1)
    if mirror:
        source = source[:, ::-1]
    source = np.ascontiguousarray(source)
    h, w = source.shape[:2]
    scale = pitch / target_pitch
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    width, height = int(np.ceil(abs(w * c) + abs(h * s))) + 2, int(np.ceil(abs(w * s) + abs(h * c))) + 2
    matrix = np.array([[c, -s, width / 2 - c * w / 2 + s * h / 2], [s, c, height / 2 - s * w / 2 - c * h / 2]])
    # Shrinking by more than half would skip source pixels, so thin metal would come and go: average first.
    if scale < 0.75:
        source = cv2.blur(source, (2, 2))
    warped: Float = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
    return warped
