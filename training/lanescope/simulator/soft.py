"""What has no fixed shape: noise, folded clothes, cables, chains. Each returns attenuation float32 [2, h, w] at a pitch."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .field import Field, mu
from .sketch import Rng, pick, spline

Float = npt.NDArray[np.float32]


class Noise:
    """Periodic fractal noise, made once and cut from at any place, scale, stretch and angle."""

    def __init__(self, rng: Rng, size: int = 512, tiles: int = 6) -> None:
        fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
        radius = np.maximum(np.hypot(fx, fy), 1 / size)
        self.size = size
        self.tiles: list[Float] = []
        self.smooth: list[Float] = []
        for k in range(tiles):
            spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
            spectrum[radius < 3 / size] = 0
            for shelf, power in ((self.tiles, 1.2 + 0.25 * (k % 3)), (self.smooth, 3.2)):
                tile = np.fft.irfft2(spectrum / radius**power, (size, size))
                shelf.append((tile / tile.std()).astype(np.float32))

    def cut(
        self, rng: Rng, shape: tuple[int, int], scale: float, stretch: float = 1.0, angle: float | None = None, smooth: bool = False
    ) -> Float:
        """Noise of unit variance, float32 [h, w]; `scale` tile pixels a pixel (larger: finer), stretched along `angle`; rough or smooth."""
        tiles = self.smooth if smooth else self.tiles
        tile = tiles[int(rng.integers(len(tiles)))]
        turn = rng.uniform(0, np.pi) if angle is None else angle
        c, s = np.cos(turn), np.sin(turn)
        matrix = np.array([[c * scale / stretch, s * scale / stretch, 0], [-s * scale, c * scale, 0]])
        matrix[:, 2] = rng.uniform(0, self.size, 2)
        h, w = shape
        x, y = np.arange(w, dtype=np.float32)[None], np.arange(h, dtype=np.float32)[:, None]
        # remap does not wrap at full speed: fold the coordinates by hand, and leave out the seam's one-pixel interpolation.
        u = np.mod(np.float32(matrix[0, 0]) * x + np.float32(matrix[0, 1]) * y + np.float32(matrix[0, 2]), self.size - 1)
        v = np.mod(np.float32(matrix[1, 0]) * x + np.float32(matrix[1, 1]) * y + np.float32(matrix[1, 2]), self.size - 1)
        cut: Float = cv2.remap(tile, u, v, cv2.INTER_LINEAR)
        return cut


def wrinkles(rng: Rng, noise: Noise, shape: tuple[int, int], pitch: float, count: int = 2, angle: float | None = None) -> Float:
    """Fine crease lines, float32 [h, w], 0 ... about 1: where smooth noise crosses zero, at several scales."""
    lines = np.zeros(shape, np.float32)
    for _ in range(count):
        field = noise.cut(rng, shape, pitch * rng.uniform(0.9, 2.4), rng.uniform(1.5, 4), angle, smooth=bool(rng.random() < 0.6))
        width = rng.uniform(0.03, 0.09) + 0.03 * pitch
        lines += np.exp(-((field / np.float32(width)) ** 2)) * np.float32(rng.uniform(0.4, 1.0))
    return lines


FABRICS = (("cloth", 0.5), ("wool", 0.25), ("cellulose", 0.05), ("nylon", 0.1), ("leather", 0.1))
_DENSITY = {"cellulose": 0.12, "nylon": 0.14, "leather": 0.22}


def clothes(rng: Rng, noise: Noise, pitch: float) -> Float:
    """A folded garment: overlapping panels with creases, hems, weave, buttons or a zip."""
    width, height = rng.uniform(140, 360), rng.uniform(110, 260)
    field = Field(width + 60, height + 60, pitch)
    fabric = FABRICS[int(rng.choice(len(FABRICS), p=[w for _, w in FABRICS]))][0]
    x, y = field.grid()
    total = np.zeros(field.shape, np.float32)
    wobble = noise.cut(rng, field.shape, pitch * 1.2, smooth=True) * rng.uniform(5, 16)
    wobble2 = noise.cut(rng, field.shape, pitch * 1.2, smooth=True) * rng.uniform(5, 16)
    main = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(3, 7))):
        a, b = width * rng.uniform(0.25, 0.52), height * rng.uniform(0.25, 0.52)
        cx, cy = rng.uniform(-1, 1) * (width / 2 - a), rng.uniform(-1, 1) * (height / 2 - b)
        turn = rng.normal(0, 0.12)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn) + wobble
        v = -(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn) + wobble2
        r = rng.uniform(8, 40)
        q, w = np.abs(u) - a + r, np.abs(v) - b + r
        inside = r - np.hypot(np.maximum(q, 0), np.maximum(w, 0)) - np.minimum(np.maximum(q, w), 0)
        sharp = rng.uniform(1.0, 5.0)
        thick = rng.uniform(6, 22)
        # A fold is rounded: full thickness is reached some way in, with the bend itself a little denser.
        panel = np.clip(inside / sharp, 0, 1) * thick
        panel += np.exp(-(((inside - sharp) / (1.6 + pitch)) ** 2)) * thick * rng.uniform(0.1, 0.35)
        total += panel
    creases = noise.cut(rng, field.shape, pitch * rng.uniform(1.0, 2.2), rng.uniform(2.5, 7), main)
    ridged = 1.0 - np.minimum(np.abs(creases) * 1.4, 1.0)
    fine = noise.cut(rng, field.shape, pitch * 6, rng.uniform(1, 4), main + rng.uniform(-0.6, 0.6))
    lines = wrinkles(rng, noise, field.shape, pitch, 3, main + rng.normal(0, 0.5))
    total *= np.maximum(0.74 + 0.3 * ridged**2 + 0.07 * fine + 0.2 * lines, 0.2)
    coefficient = mu(fabric) * _DENSITY.get(fabric, 1.0)
    field.attenuation += total[None] * coefficient[:, None, None]
    kind = rng.random()
    if kind < 0.35:  # buttons
        material = pick(rng, "acetal", "acetal", "brass", "zinc")
        for i in range(int(rng.integers(3, 8))):
            field.disc(
                -width * 0.35 + i * rng.uniform(28, 34),
                rng.normal(0, 2),
                rng.uniform(4.5, 8),
                2.2 if material == "acetal" else 1.2,
                material,
            )
    elif kind < 0.5:  # zip
        path = np.stack([np.linspace(-60, 60, 60), rng.normal(0, 3) + 3 * np.sin(np.linspace(0, 5, 60))], 1)
        material = pick(rng, "brass", "nylon", "zinc")
        field.dots(path, 1.2, 1.4, material)
        field.polygon([(58, -4), (66, -4), (66, 4), (58, 4)], 3, "zinc")
        field.polygon([(64, -2), (88, -3), (88, 3), (64, 2)], 2, "zinc")
    elif kind < 0.6:  # rivets of jeans
        for _ in range(6):
            field.disc(rng.uniform(-width, width) * 0.3, rng.uniform(-height, height) * 0.3, 4.2, 1.8, pick(rng, "copper", "brass"))
    return field.attenuation


def cable(rng: Rng, pitch: float) -> Float:
    """A coiled or loose cable: copper in PVC, with a plug at each end."""
    coil = rng.random() < 0.65
    core, jacket = (rng.uniform(0.5, 1.3), rng.uniform(2.5, 5.0)) if rng.random() < 0.7 else (rng.uniform(1.5, 2.4), rng.uniform(5.5, 8))
    if coil:
        turns, r = rng.uniform(2.5, 9), rng.uniform(30, 75)
        t = np.arange(0, turns * 2 * np.pi, 0.12)
        drift = np.cumsum(rng.normal(0, 0.25, (len(t), 2)), 0)
        radius = r + np.interp(t, np.linspace(0, t[-1], 9), rng.normal(0, r * 0.14, 9))
        squash = rng.uniform(0.45, 1)
        path = np.stack([radius * np.cos(t), radius * np.sin(t) * squash], 1) + drift
        if rng.random() < 0.5:  # a tie round the bundle
            path[:, 1] *= 1 - 0.75 * np.exp(-((path[:, 0] / (r * 0.5)) ** 2))
    else:
        knots = np.cumsum(rng.normal(0, 45, (int(rng.integers(5, 10)), 2)), 0)
        path, _ = spline(knots, 1.0, 3.0)
    path = path - (path.max(0) + path.min(0)) / 2
    extent = path.max(0) - path.min(0)
    field = Field(extent[0] + 60, extent[1] + 60, pitch)
    step = 24
    for i in range(0, len(path) - 1, step):  # piece by piece, so that crossings add
        piece = path[i : i + step + 1]
        field.line(piece, jacket, jacket * 0.75, "pvc")
        field.line(piece, core * 1.3, core, "copper")
    for end, before in ((path[0], path[3]), (path[-1], path[-4])):
        way = (end - before) / max(float(np.linalg.norm(end - before)), 1e-6)
        side = np.array([-way[1], way[0]])
        w, length = rng.uniform(5, 10), rng.uniform(18, 34)
        field.polygon(
            [tuple(end + side * w), tuple(end + way * length + side * w), tuple(end + way * length - side * w), tuple(end - side * w)],
            9,
            "pvc",
        )
        for k in (-0.45, 0.45):
            field.line(
                np.array([end + way * length * 0.6 + side * w * k, end + way * (length + 13) + side * w * k]),
                2.0,
                2.0,
                pick(rng, "brass", "steel"),
            )
    return field.attenuation


def chain(rng: Rng, pitch: float) -> Float:
    """A necklace or chain: many small links along a wandering path."""
    knots = np.cumsum(rng.normal(0, 22, (int(rng.integers(6, 11)), 2)), 0)
    path, _ = spline(knots, 1.0, rng.uniform(2.2, 5))
    path = path - (path.max(0) + path.min(0)) / 2
    extent = path.max(0) - path.min(0)
    field = Field(extent[0] + 16, extent[1] + 16, pitch)
    metal, r = pick(rng, "copper", "steel", "brass", "glass"), rng.uniform(0.7, 2.6)
    field.dots(path, r, r * 1.4, metal)
    return field.attenuation


def underwire(rng: Rng, pitch: float) -> Float:
    """Arcs of thin wire with hooks: underwear, headbands, hangers."""
    field = Field(260, 150, pitch)
    r = rng.uniform(45, 62)
    for side in (-1, 1):
        t = np.linspace(0.15, np.pi - 0.15, 30)
        path = np.stack([side * rng.uniform(52, 60) + r * np.cos(t), -20 + r * np.sin(t) * rng.uniform(0.7, 1)], 1)
        field.line(path, 2.2, 1.1, "steel")
    for _ in range(4):
        x = rng.uniform(-60, 60)
        field.line(np.array([[x, -50.0], [x + 4, -46], [x + 8, -50]]), 1.2, 1.2, "steel")
    return field.attenuation
