"""The bag itself: skins, rim and zip, frame, telescopic handle, wheels, lining, and the many small metal parts that hold it together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .field import Field
from .sketch import Rng, pick
from .soft import Noise, wrinkles

Float = npt.NDArray[np.float32]


@dataclass
class Bag:
    """An empty bag on its canvas."""

    field: Field
    inside: Float
    """float32 [H, W], mm from the nearest side, positive inside."""
    half: tuple[float, float]
    """Half of length and width, mm, along the bag's own axes."""
    angle: float
    """The bag's rotation on the belt, radians."""
    kind: str
    """"hard", "soft" or "small"."""

    def to_canvas(self, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Bag coordinates (mm along its axes) to canvas mm, [..., 2]."""
        return _turn(u, v, self.angle)


def _turn(u: npt.ArrayLike, v: npt.ArrayLike, angle: float) -> npt.NDArray[np.float64]:
    a, b = np.asarray(u, float), np.asarray(v, float)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * a - s * b, s * a + c * b], -1)


def _inside(u: Float, v: Float, a: float, b: float, r: float) -> Float:
    """Distance to the side of a rounded rectangle, positive inside."""
    q, w = np.abs(u) - (a - r), np.abs(v) - (b - r)
    distance: Float = r - np.hypot(np.maximum(q, 0), np.maximum(w, 0)) - np.minimum(np.maximum(q, w), 0)
    return distance


def _rim(a: float, b: float, r: float, step: float = 3.0) -> npt.NDArray[np.float64]:
    """Points along a rounded rectangle, about `step` mm apart, [n, 2]."""
    corners = []
    for sx, sy, start in ((1, 1, 0.0), (-1, 1, 0.5), (-1, -1, 1.0), (1, -1, 1.5)):
        t = np.pi * (start + np.linspace(0, 0.5, 12))
        corners.append(np.stack([sx * (a - r) + r * np.cos(t), sy * (b - r) + r * np.sin(t)], 1))
    loop = np.concatenate([*corners, corners[0][:1]])
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    t = np.arange(0, s[-1], step)
    return np.stack([np.interp(t, s, loop[:, k]) for k in range(2)], 1)


def make_bag(rng: Rng, noise: Noise, size: int) -> Bag:
    """A random bag whose canvas is `size` pixels on its longer side."""
    kind = str(rng.choice(["hard", "soft", "small"], p=[0.45, 0.35, 0.2]))
    length = {"hard": rng.uniform(480, 700), "soft": rng.uniform(430, 640), "small": rng.uniform(330, 470)}[kind]
    aspect = {"hard": rng.uniform(0.6, 0.78), "soft": rng.uniform(0.52, 0.75), "small": rng.uniform(0.6, 0.88)}[kind]
    a, b = length / 2, length * aspect / 2
    angle = float(rng.choice([rng.normal(0, 0.12), rng.normal(0, 0.5), np.pi / 2 + rng.normal(0, 0.2)], p=[0.55, 0.3, 0.15]))
    reach = 48.0 if kind != "small" else 20.0
    ex = abs(np.cos(angle)) * (a + reach) + abs(np.sin(angle)) * (b + 18) + 12
    ey = abs(np.sin(angle)) * (a + reach) + abs(np.cos(angle)) * (b + 18) + 12
    pitch = 2 * max(ex, ey) / size
    field = Field(2 * ex, 2 * ey, pitch)
    x, y = field.grid()
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = c * x + s * y, -s * x + c * y
    soft = kind != "hard"
    bulge = rng.uniform(-4, 16) if soft else rng.uniform(-2, 6)
    wavy = noise.cut(rng, field.shape, pitch * 0.9, smooth=True) * (rng.uniform(2, 7) if soft else 0.7)
    u_s, v_s = u / np.float32(a), v / np.float32(b)
    corner = rng.uniform(25, 75) * (1.0 if kind != "small" else 0.9)
    # Two faces of the bag at different heights above the belt, seen from one focal spot: two outlines, shifted and scaled.
    shift = rng.normal(0, 1, 2) * (9.0, 9.0)
    shrink = rng.uniform(0.93, 0.985)
    faces = []
    for k, (scale, off) in enumerate(((1.0, np.zeros(2)), (shrink, shift))):
        side = wavy if k == 0 else -0.6 * wavy
        spread = np.float32(bulge) * (1 - np.minimum(u_s**2, 1))
        spread_u = np.float32(bulge * 0.6) * (1 - np.minimum(v_s**2, 1))
        d = _inside(u - np.float32(off[0]), v - np.float32(off[1]), (a - 16) * scale, (b - 16) * scale, corner * scale)
        along = np.where(np.abs(v_s) * b > np.abs(u_s) * a - (a - b), spread, spread_u)
        faces.append(d + side + along)
    outer, inner = np.maximum(*faces), np.minimum(*faces)
    _skins(field, rng, noise, kind, faces, outer, inner, u, v, a, b)
    bag = Bag(field, inner, (a - 20, b - 20), angle, kind)
    _hardware(bag, rng, a - 16, b - 16, corner, shrink, shift)
    return bag


def _skins(
    field: Field, rng: Rng, noise: Noise, kind: str, faces: list[Float], outer: Float, inner: Float, u: Float, v: Float, a: float, b: float
) -> None:
    skin = {
        "hard": pick(rng, "abs", "polythene", "pet"),
        "soft": pick(rng, "nylon", "pet", "nylon"),
        "small": pick(rng, "leather", "nylon", "cellulose"),
    }[kind]
    wall = {"hard": rng.uniform(2.0, 3.4), "soft": rng.uniform(0.6, 1.6), "small": rng.uniform(0.5, 1.6)}[kind]
    r = rng.uniform(18, 45) if kind == "hard" else rng.uniform(8, 25)
    edge = np.float32(max(1.2 * field.pitch, 1.0))
    ribs = None
    if kind == "hard" and rng.random() < 0.75:
        phase = (v if rng.random() < 0.6 else u) * np.float32(np.pi / rng.uniform(14, 60))
        ribs = np.clip(np.abs(np.sin(phase)) * 4 - 3.2, 0, 1)
    for d in faces:
        # A sheet that curves round to the side: path = wall / cos(slope), at most five walls.
        t = np.clip(1 - d / np.float32(r), 0, 0.98)
        sheet = np.clip(d / edge, 0, 1) / np.sqrt(1 - t * t)
        mm = np.float32(wall) * np.minimum(sheet, 5.0)
        if ribs is not None:
            mm = mm * (1 + ribs * np.float32(rng.uniform(0.3, 0.9)) * (d > r * 0.5))
        if kind != "hard":
            mm = mm * (1 + wrinkles(rng, noise, field.shape, field.pitch, 2) * np.float32(rng.uniform(0.3, 1.6)))
        field.fill(mm, skin)
    # The side wall stands on edge between the two outlines.
    side = np.clip(outer / edge, 0, 1) - np.clip(inner / edge, 0, 1)
    field.fill(side * np.float32(wall * rng.uniform(1.0, 3.0)), skin)
    # Lining, foam and cardboard: a light even veil with a weave.
    weave = 1 + 0.08 * noise.cut(rng, field.shape, field.pitch * 5)
    field.fill(np.clip(inner / 6, 0, 1) * weave * np.float32(rng.uniform(0.1, 1.6)), "cellulose")
    if rng.random() < 0.5:
        level = rng.uniform(-0.3, 0.5) * a
        field.fill(np.clip((u - np.float32(level)) / 3, 0, 1) * np.clip(inner / 4, 0, 1) * np.float32(rng.uniform(0.6, 1.8)), "nylon")
    # Rim tape and piping run along both outlines.
    depth = rng.uniform(3, 10)
    for d in faces:
        band = np.exp(-(((d - np.float32(depth)) / np.float32(rng.uniform(1.6, 3.6) + field.pitch * 0.4)) ** 2))
        field.fill(band * np.float32(rng.uniform(1.5, 5.0)), pick(rng, "pvc", "nylon", "pvc", "abs"))


def _hardware(bag: Bag, rng: Rng, a: float, b: float, corner: float, shrink: float, shift: npt.NDArray[np.float64]) -> None:
    field = bag.field

    def line(points: npt.ArrayLike, width: float, mm: float, material: str, closed: bool = False) -> None:
        p = np.asarray(points, float)
        field.line(bag.to_canvas(p[:, 0], p[:, 1]), width, mm, material, closed)

    def disc(u: float, v: float, radius: float, mm: float, material: str) -> None:
        x, y = bag.to_canvas(u, v)
        field.disc(float(x), float(y), radius, mm, material)

    def bit(u: float, v: float) -> None:
        """A screw, rivet, hook or clip."""
        metal, turn = pick(rng, "steel", "steel", "zinc", "brass"), rng.uniform(0, np.pi)
        kind = rng.random()
        if kind < 0.45:
            disc(u, v, rng.uniform(1.3, 3.4), rng.uniform(1.2, 6), metal)
        elif kind < 0.8:
            h = rng.uniform(2, 9)
            line(
                [(u - h * np.cos(turn), v - h * np.sin(turn)), (u + h * np.cos(turn), v + h * np.sin(turn))],
                rng.uniform(1.5, 3.5),
                rng.uniform(1.5, 5),
                metal,
            )
        else:
            r = rng.uniform(3, 9)
            t = np.linspace(turn, turn + rng.uniform(3.5, 6.28), 14)
            line(np.stack([u + r * np.cos(t), v + r * 0.7 * np.sin(t)], 1), rng.uniform(1.2, 2.2), rng.uniform(1.2, 2.5), metal)

    # Zip: teeth along one outline, on both sides of the gap in metal, a coil in nylon; sliders with pulls.
    rims = [_rim(a - 9, b - 9, corner), _rim((a - 9) * shrink, (b - 9) * shrink, corner * shrink) + shift]
    zip_rim = rims[int(rng.integers(2))]
    metal_zip = rng.random() < 0.25
    line(zip_rim, 4.5, 1.6, "nylon", True)
    if metal_zip:
        field.dots(bag.to_canvas(zip_rim[:, 0], zip_rim[:, 1]), 1.2, 1.4, "brass")
    if bag.kind != "small" and rng.random() < 0.55:  # a spring-steel or glass-fibre hoop that holds the shape
        for rim in rims[: int(rng.integers(1, 3))]:
            line(rim, rng.uniform(1.6, 2.8), rng.uniform(0.9, 2.2), pick(rng, "steel", "steel", "glass"), True)
    for _ in range(int(rng.integers(2, 6))):
        p = zip_rim[int(rng.integers(len(zip_rim)))]
        turn = rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(turn), np.sin(turn)])
        metal = pick(rng, "zinc", "brass", "steel")
        line([tuple(p - way * 4), tuple(p + way * 5)], 7, 3, metal)
        line([tuple(p + way * 6), tuple(p + way * rng.uniform(16, 34))], rng.uniform(3, 7), rng.uniform(1.2, 2.2), metal)

    if bag.kind != "small" and rng.random() < 0.85:
        _trolley(bag, rng, a, b, line, disc, bit)
    else:
        for side in (-1, 1):  # carrying loop and strap rings
            v = side * b * rng.uniform(0.3, 0.5)
            line([(a - 4, v), (a + 6, v)], 14, 2.5, "nylon")
            t = np.linspace(0, 2 * np.pi, 16)
            line(np.stack([a - 10 + 8 * np.cos(t), v + 10 * np.sin(t)], 1), 2.6, 2.6, pick(rng, "steel", "zinc", "brass"), True)
        u = rng.uniform(-0.5, 0.4) * a
        line([(u, -b * 0.9), (u + rng.normal(0, 20), b * 0.9)], rng.uniform(22, 38), 1.8, "nylon")
    # Seams, tapes and pocket edges of the lining.
    for _ in range(int(rng.integers(2, 7))):
        u, v = rng.uniform(-0.85, 0.85) * a, rng.uniform(-0.85, 0.85) * b
        if rng.random() < 0.5:
            line(
                [(u, -b * 0.93), (u + rng.normal(0, 8), 0), (u, b * 0.93)],
                rng.uniform(1.5, 9),
                rng.uniform(0.8, 3),
                pick(rng, "nylon", "cellulose", "pvc"),
            )
        else:
            line(
                [(-a * 0.95, v), (0, v + rng.normal(0, 8)), (a * 0.95, v)],
                rng.uniform(1.5, 9),
                rng.uniform(0.8, 3),
                pick(rng, "nylon", "cellulose", "pvc"),
            )
    if rng.random() < 0.4:  # a pocket with its own zip
        w, h, u, v = rng.uniform(0.3, 0.8) * a, rng.uniform(0.3, 0.7) * b, rng.normal(0, 0.1) * a, rng.normal(0, 0.1) * b
        line(_rim(w, h, 20) + np.array([u, v]), 3, 1.4, pick(rng, "nylon", "pvc"), True)
        line([(u + w, v - h * 0.6), (u + w + 3, v - h * 0.6 + 24)], 5, 1.6, pick(rng, "zinc", "brass"))
    if rng.random() < 0.5:  # packing straps with a buckle
        for side in (-1, 1):
            v = side * b * rng.uniform(0.2, 0.5)
            line([(-a * 0.8, v), (0, v * rng.uniform(0.5, 1.4)), (a * 0.8, v)], 24, 0.9, "nylon")
        line([(-16, 0), (16, 0)], 30, 5, "acetal")
    for _ in range(int(rng.integers(10, 34)) if bag.kind != "small" else int(rng.integers(4, 14))):
        if rng.random() < 0.7:
            p = rims[int(rng.integers(2))]
            q = p[int(rng.integers(len(p)))] * rng.uniform(0.9, 1.0)
            bit(float(q[0]), float(q[1]))
        else:
            bit(rng.uniform(-0.9, 0.9) * a, rng.uniform(-0.85, 0.85) * b)


def _trolley(bag: Bag, rng: Rng, a: float, b: float, line, disc, bit) -> None:  # type: ignore[no-untyped-def]
    """Telescopic handle, its housing, wheels and feet."""
    metal = pick(rng, "aluminium", "aluminium", "steel")
    wall = rng.uniform(1.1, 1.8) if metal == "aluminium" else rng.uniform(0.5, 0.9)
    gap, wide, tall = b * rng.uniform(0.25, 0.5), rng.uniform(13, 26), rng.uniform(8, 14)
    end, slant = -a * rng.uniform(0.6, 0.95), rng.normal(0, 6)
    for side in (-1, 1):
        v = side * gap
        for scale, start in ((1.0, end), (0.78, end * rng.uniform(0.2, 0.9))):
            w = wide * scale
            line([(start, v + slant), (a - 6, v)], w, 2 * wall, metal)
            for edge in (-1, 1):  # the tube's sides, seen on edge
                line([(start, v + slant + edge * (w / 2 - wall / 2)), (a - 6, v + edge * (w / 2 - wall / 2))], wall, tall * scale, metal)
        line([(end - 8, v + slant), (end + 10, v + slant)], wide + 8, 8, "abs")
        bit(end, v + slant)
        bit(a - 14, v)
        for _ in range(3):
            bit(end + rng.uniform(-12, 16), v + slant + rng.normal(0, wide / 2))
    line([(a + 4, -gap - 8), (a + 12, -gap * 0.8), (a + 12, gap * 0.8), (a + 4, gap + 8)], rng.uniform(12, 18), rng.uniform(7, 14), "abs")
    line([(a + 8, -gap), (a + 8, gap)], 4, 1.5, pick(rng, "steel", "aluminium"))
    for _ in range(4):
        bit(a + rng.uniform(-8, 10), rng.uniform(-gap, gap))
    if rng.random() < 0.6:
        line([(a * 0.2, b - 2), (a * 0.1, b + 9), (-a * 0.1, b + 9), (-a * 0.2, b - 2)], 13, 5, "pvc")
        for u in (-0.2, 0.2):
            bit(u * a, b - 6)
    wheels = int(rng.choice([2, 4]))
    radius = rng.uniform(17, 27)
    for side in (-1, 1):
        v = side * (b - radius * rng.uniform(0.6, 1.3))
        for k in range(wheels // 2):
            u = -a - radius * 0.4 + k * rng.uniform(18, 30)
            w = v + k * rng.normal(0, 5)
            disc(u, w, radius, rng.uniform(10, 18), "abs")
            disc(u, w, radius * 0.85, 6, "rubber")
            disc(u, w, radius * 0.3, rng.uniform(8, 14), "steel")
            line([(u - 3, w - side * radius), (u + 3, w + side * radius * 0.7)], 5, 6, "steel")
            for _ in range(4):
                bit(u + rng.normal(0, radius * 0.7) + 8, w + rng.normal(0, radius * 0.7))
        line([(-a + 4, v - 26), (-a + 10, v + 26)], 26, rng.uniform(3, 6), "abs")
    for side in (-1, 1):
        disc(-a * 0.9, side * b * 0.25, 9, 6, "rubber")
