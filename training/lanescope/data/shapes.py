"""Parametric silhouettes of threats and everyday objects with thickness and material, dimmed by Beer-Lambert in display colours.

These complement real cut-outs and rendered meshes: endless variety, honest only about outline and thickness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from lanescope.patch import DISTRACTOR, Patch

CANVAS = 320
"""Side of the drawing canvas, pixels; the patch is the cropped part."""

# Display attenuation (R, G, B) of a unit thickness: how fast a scanner's colours darken through a material. Read off the
# pseudo-colours that scanners share (organic orange, mixed green, metal blue), not a physical cross-section.
ATTENUATION = {
    "steel": (1.9, 1.1, 0.42),
    "thick_steel": (2.6, 1.8, 0.75),
    "aluminium": (0.62, 0.32, 0.42),
    "plastic": (0.05, 0.26, 0.62),
    "rubber": (0.18, 0.34, 0.62),
}


@dataclass
class Part:
    """One solid of an object, seen along the beam."""

    mask: np.ndarray
    """uint8 [CANVAS, CANVAS], 255 inside."""
    material: str
    thickness: float
    """Display units: 1 is about what makes steel clearly blue."""
    rounded: float = 0.5
    """0 a plate, 1 a rod: how much thinner the object is at its edge."""


Point = tuple[float, float]
Drawer = Callable[[np.random.Generator], list[Part]]


def _mask() -> np.ndarray:
    return np.zeros((CANVAS, CANVAS), np.uint8)


def _polygon(points: list[Point]) -> np.ndarray:
    mask = _mask()
    cv2.fillPoly(mask, [np.round(np.array(points) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask


def _line(points: list[Point], width: float) -> np.ndarray:
    mask = _mask()
    cv2.polylines(mask, [np.round(np.array(points) * 16).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    return mask


def _ellipse(centre: Point, axes: Point, angle: float = 0, width: float = -1) -> np.ndarray:
    mask = _mask()
    cv2.ellipse(
        mask,
        (round(centre[0]), round(centre[1])),
        (max(1, round(axes[0])), max(1, round(axes[1]))),
        angle,
        0,
        360,
        255,
        round(width),
        cv2.LINE_AA,
    )
    return mask


def _minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return cv2.subtract(a, b)


def _turn(point: Point, about: Point, degrees: float) -> Point:
    radians = np.deg2rad(degrees)
    dx, dy = point[0] - about[0], point[1] - about[1]
    c, s = np.cos(radians), np.sin(radians)
    return about[0] + c * dx - s * dy, about[1] + s * dx + c * dy


def _bezier(a: Point, b: Point, c: Point, d: Point, count: int = 24) -> list[Point]:
    t = np.linspace(0, 1, count)[:, None]
    curve = (1 - t) ** 3 * np.array(a) + 3 * (1 - t) ** 2 * t * np.array(b) + 3 * (1 - t) * t**2 * np.array(c) + t**3 * np.array(d)
    return [(float(x), float(y)) for x, y in curve]


def draw_knife(rng: np.random.Generator) -> list[Part]:
    """Fixed-blade, kitchen and folding knives: blade and handle along x."""
    blade, handle = rng.uniform(90, 165), rng.uniform(65, 110)
    width, grip = rng.uniform(12, 34), rng.uniform(12, 26)
    y, x = 160.0, 160 - (blade + handle) / 2 + handle
    belly, drop = rng.uniform(0.35, 0.9), rng.uniform(-0.5, 0.5)
    tip = (x + blade, y + drop * width * 0.5)
    top = _bezier((x, y - width / 2), (x + blade * belly, y - width / 2), (x + blade * 0.9, y - width * 0.4), tip)
    under = _bezier(tip, (x + blade * 0.9, y + width * 0.5), (x + blade * belly, y + width / 2), (x, y + width / 2))
    parts = [Part(_polygon(top + under), "steel", rng.uniform(0.35, 1.2), 0.15)]
    if rng.random() < 0.25:  # serrated or hollow blades
        for step in range(int(blade // 12)):
            parts[0].mask = _minus(parts[0].mask, _ellipse((x + 8 + step * 12, y + width / 2), (4, 3)))
    bend = rng.uniform(-12, 12)
    body = _line(_bezier((x + 4, y), (x - handle * 0.3, y), (x - handle * 0.7, y + bend), (x - handle, y + bend)), grip)
    material = rng.choice(["plastic", "rubber", "steel", "aluminium"], p=[0.45, 0.2, 0.2, 0.15])
    parts.append(Part(body, str(material), rng.uniform(0.5, 1.2), 0.5))
    if rng.random() < 0.6:  # the tang that runs through the handle
        parts.append(
            Part(
                _line([(x + 2, y), (x - handle * rng.uniform(0.3, 0.95), y + bend * 0.7)], grip * rng.uniform(0.25, 0.7)),
                "steel",
                rng.uniform(0.3, 0.8),
                0.1,
            )
        )
    for _ in range(int(rng.integers(0, 4))):
        parts.append(Part(_ellipse((x - handle * rng.uniform(0.1, 0.9), y), (3, 3)), "steel", 1.2, 0.2))
    if rng.random() < 0.3:
        parts.append(Part(_line([(x, y - width * 0.8), (x, y + width * 0.8)], 7), "steel", 1.0, 0.4))
    if rng.random() < 0.25:  # folded or half open: the blade turned back over the handle
        angle = rng.uniform(60, 180)
        matrix = cv2.getRotationMatrix2D((x, y), angle, 1.0)
        parts[0].mask = cv2.warpAffine(parts[0].mask, matrix, (CANVAS, CANVAS))
    return parts


def draw_scissors(rng: np.random.Generator) -> list[Part]:
    """Two blades crossing at a pivot, a ring (or loop) for each."""
    pivot = (160.0, 150.0)
    blade, arm = rng.uniform(70, 125), rng.uniform(45, 90)
    width, opening = rng.uniform(9, 20), rng.uniform(0, 40) if rng.random() < 0.7 else rng.uniform(0, 6)
    material = str(rng.choice(["plastic", "steel", "rubber"], p=[0.6, 0.3, 0.1]))
    ring = (rng.uniform(14, 26), rng.uniform(18, 34))
    parts = []
    flare = rng.uniform(8, 20)
    depth = rng.uniform(0.45, 1.1)
    for side in (-1, 1):
        angle = side * opening / 2
        tip = (pivot[0] + side * 1.0, pivot[1] - blade)
        outline = [
            (pivot[0] - side * width * 0.5, pivot[1] + 6),
            tip,
            (pivot[0] + side * width * 0.5, pivot[1] - blade * 0.75),
            (pivot[0] + side * width * 0.6, pivot[1] + 6),
        ]
        parts.append(Part(_polygon([_turn(p, pivot, angle) for p in outline]), "steel", depth, 0.15))
        end = (pivot[0] - side * flare, pivot[1] + arm)
        shank = [
            _turn(p, pivot, angle)
            for p in _bezier(pivot, (pivot[0] - side * 2, pivot[1] + arm * 0.5), (end[0] + side * 4, end[1] - 10), end)
        ]
        parts.append(Part(_line(shank, width * rng.uniform(0.5, 0.8)), "steel", depth, 0.3))
        centre = _turn((end[0] - side * ring[0] * 0.5, end[1] + ring[1] * 0.8), pivot, angle)
        outer = _ellipse(centre, ring, angle + side * 12)
        hole = rng.uniform(0.5, 0.75)
        loop = _minus(outer, _ellipse(centre, (ring[0] * hole, ring[1] * hole), angle + side * 12))
        parts.append(Part(loop, material, rng.uniform(0.5, 1.2), 0.5))
    parts.append(Part(_ellipse(pivot, (5, 5)), "steel", rng.uniform(0.6, 1.6), 0.3))
    return parts


def draw_pliers(rng: np.random.Generator) -> list[Part]:
    """Short jaws, thick joint, two long bowed handles with sleeves."""
    pivot = (160.0, 110.0)
    jaw, handle = rng.uniform(26, 70), rng.uniform(95, 150)
    width, opening = rng.uniform(10, 17), rng.uniform(2, 32)
    nose = rng.uniform(0.15, 0.9)
    depth = rng.uniform(1.0, 2.2)
    parts = []
    sleeve = rng.random() < 0.75
    bow = rng.uniform(14, 34)
    for side in (-1, 1):
        angle = side * opening / 2
        jaw_outline = [
            (pivot[0] + side * 1, pivot[1]),
            (pivot[0] + side * 1, pivot[1] - jaw),
            (pivot[0] + side * (2 + width * nose), pivot[1] - jaw),
            (pivot[0] + side * width * 1.2, pivot[1] - jaw * 0.2),
            (pivot[0] + side * width, pivot[1] + 4),
        ]
        parts.append(Part(_polygon([_turn(p, pivot, angle) for p in jaw_outline]), "thick_steel", depth * 0.8, 0.3))
        curve = _bezier(
            pivot,
            (pivot[0] - side * 8, pivot[1] + 20),
            (pivot[0] - side * bow * 1.4, pivot[1] + handle * 0.45),
            (pivot[0] - side * bow * rng.uniform(0.5, 1.0), pivot[1] + handle),
        )
        curve = [_turn(p, pivot, angle) for p in curve]
        parts.append(Part(_line(curve, width * 0.8), "thick_steel", depth * 0.75, 0.6))
        if sleeve:
            parts.append(Part(_line(curve[9:], width * 1.35), str(rng.choice(["plastic", "rubber"])), rng.uniform(0.4, 0.9), 0.6))
    parts.append(Part(_ellipse(pivot, (width * rng.uniform(0.9, 1.3), width * rng.uniform(0.9, 1.4))), "thick_steel", depth * 0.5, 0.2))
    return parts


def _open_jaw(centre: Point, radius: float, gap: float, angle: float) -> np.ndarray:
    head = _ellipse(centre, (radius, radius * 0.9), angle)
    slot = [
        (centre[0] - gap / 2, centre[1] - radius * 1.6),
        (centre[0] + gap / 2, centre[1] - radius * 1.6),
        (centre[0] + gap / 2, centre[1] + radius * 0.25),
        (centre[0] - gap / 2, centre[1] + radius * 0.25),
    ]
    return _minus(head, _polygon([_turn(p, centre, angle) for p in slot]))


def draw_wrench(rng: np.random.Generator) -> list[Part]:
    """Open-end, ring, combination and adjustable wrenches along y."""
    length, width = rng.uniform(110, 190), rng.uniform(9, 22)
    top, bottom = (160.0, 160 - length / 2), (160.0, 160 + length / 2)
    depth = rng.uniform(0.7, 2.0)
    kind = rng.choice(["open", "ring", "combination", "adjustable"], p=[0.25, 0.1, 0.35, 0.3])
    shaft = [
        (160 - width / 2, top[1]),
        (160 + width / 2, top[1]),
        (160 + width * rng.uniform(0.3, 0.6), bottom[1]),
        (160 - width * rng.uniform(0.3, 0.6), bottom[1]),
    ]
    parts = [Part(_polygon(shaft), "thick_steel", depth * 0.7, 0.4)]
    radius = width * rng.uniform(0.95, 1.5)

    def ring(centre: Point, r: float) -> Part:
        return Part(
            _minus(_ellipse(centre, (r, r)), _ellipse(centre, (r * rng.uniform(0.5, 0.7), r * rng.uniform(0.5, 0.7)))),
            "thick_steel",
            depth,
            0.3,
        )

    if kind == "adjustable":
        tilt = rng.choice([-1, 1]) * rng.uniform(10, 25)
        gap = radius * rng.uniform(0.2, 1.0)
        head = [
            (160 - radius * 1.1, top[1] + radius * 0.9),
            (160 - radius * 1.2, top[1] - radius * 0.4),
            (160 - gap / 2 - radius * 0.1, top[1] - radius * 1.5),
            (160 - gap / 2, top[1] - radius * 0.2),
            (160 + gap / 2, top[1] - radius * 0.2),
            (160 + gap / 2 + radius * 0.15, top[1] - radius * 1.4),
            (160 + radius * 1.1, top[1] - radius * 0.5),
            (160 + radius, top[1] + radius * 0.9),
        ]
        parts.append(Part(_polygon([_turn(p, top, tilt) for p in head]), "thick_steel", depth, 0.2))
        parts.append(
            Part(_ellipse(_turn((160, top[1] + radius * 0.5), top, tilt), (radius * 0.45, radius * 0.25)), "thick_steel", depth * 0.6, 0.4)
        )
        if rng.random() < 0.6:
            parts[0].mask = _minus(parts[0].mask, _ellipse((160, bottom[1] - 10), (4, 4)))
        return parts
    angle = rng.choice([-1, 1]) * rng.uniform(5, 25)
    parts.append(
        ring(top, radius)
        if kind == "ring"
        else Part(_open_jaw(top, radius, radius * rng.uniform(0.7, 1.1), angle), "thick_steel", depth, 0.2)
    )
    if kind == "open":
        parts.append(Part(_open_jaw(bottom, radius * 0.85, radius * rng.uniform(0.6, 0.9), 180 + angle), "thick_steel", depth, 0.2))
    else:
        parts.append(ring(bottom, radius * rng.uniform(0.8, 1.0)))
    return parts


def draw_gun(rng: np.random.Generator) -> list[Part]:
    """Pistols and revolvers: slide or barrel, frame, grip with magazine, trigger guard."""
    length, height = rng.uniform(125, 185), rng.uniform(20, 32)
    x0, y0 = 160 - length / 2, 110.0
    depth = rng.uniform(1.1, 2.6)
    rake, grip, grip_width = rng.uniform(8, 28), rng.uniform(62, 100), rng.uniform(28, 42)
    polymer = rng.random() < 0.35
    parts = []
    back = x0 + length
    grip_outline = [
        (back - grip_width - 6, y0 + height * 0.7),
        (back - 6, y0 + height * 0.7),
        (back - 2 + rake, y0 + height + grip),
        (back - grip_width + rake, y0 + height + grip),
    ]
    if rng.random() < 0.65:
        parts.append(Part(_polygon([(x0, y0), (back, y0), (back + 4, y0 + height), (x0, y0 + height)]), "thick_steel", depth, 0.3))
        parts.append(
            Part(
                _polygon(
                    [
                        (x0 + 8, y0 + height * 0.9),
                        (back - 4, y0 + height * 0.9),
                        (back - 4, y0 + height * 1.45),
                        (x0 + rng.uniform(8, 50), y0 + height * 1.4),
                    ]
                ),
                "aluminium" if polymer else "steel",
                depth * 0.6,
                0.3,
            )
        )
        parts.append(
            Part(
                _line([(x0 - rng.uniform(0, 8), y0 + height * 0.45), (x0 + length * 0.6, y0 + height * 0.45)], height * 0.35),
                "thick_steel",
                depth * 0.5,
                0.8,
            )
        )
        if rng.random() < 0.75:  # magazine in the grip
            inset = 6
            parts.append(
                Part(
                    _polygon(
                        [
                            (grip_outline[0][0] + inset, grip_outline[0][1]),
                            (grip_outline[1][0] - inset, grip_outline[1][1]),
                            (grip_outline[2][0] - inset, grip_outline[2][1]),
                            (grip_outline[3][0] + inset, grip_outline[3][1]),
                        ]
                    ),
                    "steel",
                    depth * 0.8,
                    0.2,
                )
            )
    else:
        barrel = height * rng.uniform(0.4, 0.65)
        parts.append(
            Part(
                _polygon([(x0, y0), (back - grip_width, y0), (back - grip_width, y0 + barrel), (x0, y0 + barrel)]),
                "thick_steel",
                depth * 0.8,
                0.7,
            )
        )
        cylinder = (back - grip_width * 1.6, y0 + height * 0.6)
        parts.append(Part(_ellipse(cylinder, (grip_width * 0.62, height * 0.72)), "thick_steel", depth * 1.1, 0.3))
        parts.append(
            Part(
                _polygon([(cylinder[0] - 25, y0), (back, y0 + 4), (back, y0 + height * 1.3), (cylinder[0] - 20, y0 + height * 1.3)]),
                "steel",
                depth * 0.7,
                0.2,
            )
        )
        parts.append(Part(_polygon([(back - 8, y0 + 6), (back + 8, y0 - 8), (back + 8, y0 + 4)]), "steel", depth, 0.2))
    parts.append(Part(_polygon(grip_outline), "plastic" if rng.random() < 0.5 else "steel", depth * rng.uniform(0.4, 0.8), 0.3))
    guard = (back - grip_width - rng.uniform(20, 30), y0 + height * 1.5)
    loop = rng.uniform(17, 23)
    parts.append(
        Part(
            _minus(_ellipse(guard, (loop, loop * 0.8)), _ellipse(guard, (loop - 5, loop * 0.8 - 5))),
            "aluminium" if polymer else "steel",
            depth * 0.7,
            0.5,
        )
    )
    parts.append(Part(_line([(guard[0] + 3, y0 + height), (guard[0] - 1, guard[1] + 9)], 4), "steel", 1.2, 0.5))
    return parts


def draw_coins(rng: np.random.Generator) -> list[Part]:
    """A few coins or washers."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        radius = rng.uniform(14, 26)
        centre = (160 + rng.uniform(-40, 40), 160 + rng.uniform(-40, 40))
        mask = _ellipse(centre, (radius, radius * rng.uniform(0.3, 1)), rng.uniform(0, 180))
        if rng.random() < 0.2:
            mask = _minus(mask, _ellipse(centre, (radius * 0.4, radius * 0.4)))
        parts.append(Part(mask, "thick_steel", rng.uniform(0.3, 0.9), 0.1))
    return parts


def draw_keys(rng: np.random.Generator) -> list[Part]:
    """Keys on a ring."""
    centre = (160.0, 130.0)
    parts = [Part(_ellipse(centre, (18, 18), 0, 3), "steel", 0.8, 0.8)]
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 360)
        head, end = (centre[0], centre[1] + 28), (centre[0], centre[1] + rng.uniform(65, 95))
        bow = _minus(_ellipse(_turn(head, centre, angle), (14, 12)), _ellipse(_turn(head, centre, angle), (5, 5)))
        parts.append(Part(bow, "plastic" if rng.random() < 0.4 else "steel", rng.uniform(0.5, 1.0), 0.2))
        parts.append(
            Part(_line([_turn(head, centre, angle), _turn(end, centre, angle)], rng.uniform(6, 10)), "steel", rng.uniform(0.4, 0.9), 0.2)
        )
    return parts


def draw_rods(rng: np.random.Generator) -> list[Part]:
    """Pens, bolts, rails, umbrella ribs, batteries: straight things."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        length, width = rng.uniform(60, 240), rng.uniform(3, 16)
        angle, y = rng.uniform(-20, 20), 160 + rng.uniform(-50, 50)
        ends = [_turn((160 - length / 2, y), (160, y), angle), _turn((160 + length / 2, y), (160, y), angle)]
        parts.append(
            Part(_line(ends, width), str(rng.choice(["steel", "aluminium", "plastic", "thick_steel"])), rng.uniform(0.3, 1.3), 0.8)
        )
    return parts


def draw_screwdriver(rng: np.random.Generator) -> list[Part]:
    """Shaft and fat handle: a tool that is not prohibited here, close to a knife."""
    length, grip = rng.uniform(70, 150), rng.uniform(50, 80)
    x = 160 - (length + grip) / 2 + grip
    return [
        Part(_line([(x, 160), (x + length, 160)], rng.uniform(5, 10)), "steel", rng.uniform(0.7, 1.5), 0.9),
        Part(_line([(x - grip, 160), (x, 160)], rng.uniform(18, 32)), str(rng.choice(["plastic", "rubber"])), rng.uniform(0.7, 1.4), 0.8),
    ]


def draw_frame(rng: np.random.Generator) -> list[Part]:
    """Buckles, glasses, boxes, phones: rounded frames and plates."""
    w, h = rng.uniform(25, 100), rng.uniform(20, 70)
    outer = _polygon([(160 - w, 160 - h), (160 + w, 160 - h), (160 + w, 160 + h), (160 - w, 160 + h)])
    parts = [Part(outer, str(rng.choice(["aluminium", "plastic", "steel"])), rng.uniform(0.2, 0.7), 0.1)]
    if rng.random() < 0.6:
        edge = rng.uniform(4, 14)
        parts[0].mask = _minus(
            outer,
            _polygon(
                [
                    (160 - w + edge, 160 - h + edge),
                    (160 + w - edge, 160 - h + edge),
                    (160 + w - edge, 160 + h - edge),
                    (160 - w + edge, 160 + h - edge),
                ]
            ),
        )
        parts[0].thickness *= 2
    for _ in range(int(rng.integers(0, 6))):
        a = (160 + rng.uniform(-0.9, 0.9) * w, 160 + rng.uniform(-0.9, 0.9) * h)
        parts.append(Part(_ellipse(a, (rng.uniform(3, 12), rng.uniform(3, 12))), "steel", rng.uniform(0.3, 1.5), 0.3))
    return parts


def draw_cable(rng: np.random.Generator) -> list[Part]:
    """A coiled or tangled wire with a plug."""
    points: list[Point] = [(160 + rng.uniform(-70, 70), 160 + rng.uniform(-70, 70)) for _ in range(4)]
    first, second, third, end = points
    on = [(160 + rng.uniform(-90, 90), 160 + rng.uniform(-90, 90)) for _ in range(3)]
    curve = _bezier(first, second, third, end, 40) + _bezier(end, on[0], on[1], on[2], 40)
    parts = [Part(_line(curve, rng.uniform(2, 5)), "steel", rng.uniform(0.4, 1.0), 0.8)]
    parts.append(Part(_ellipse(points[0], (10, 7), rng.uniform(0, 180)), "steel", 0.8, 0.4))
    return parts


def draw_blob(rng: np.random.Generator) -> list[Part]:
    """An unnameable piece of metal or plastic with a random outline."""
    count = int(rng.integers(4, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    stretch = rng.uniform(0.25, 1)
    outline = [(160 + np.cos(a) * r * 1.6, 160 + np.sin(a) * r * stretch) for a, r in zip(angles, rng.uniform(15, 75, count), strict=True)]
    return [Part(_polygon(outline), str(rng.choice(list(ATTENUATION))), rng.uniform(0.4, 1.6), rng.uniform(0, 1))]


THREATS: dict[str, Drawer] = {"gun": draw_gun, "knife": draw_knife, "wrench": draw_wrench, "pliers": draw_pliers, "scissors": draw_scissors}
EVERYDAY: dict[str, Drawer] = {
    "coins": draw_coins,
    "keys": draw_keys,
    "rods": draw_rods,
    "screwdriver": draw_screwdriver,
    "frame": draw_frame,
    "cable": draw_cable,
    "blob": draw_blob,
}


def dim(parts: list[Part], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """T = exp(-sum of attenuation x thickness) a channel, thickness from each part's distance transform.

    Returns:
        transmission float32 [CANVAS, CANVAS, 3] and silhouette bool [CANVAS, CANVAS].
    """
    optical = np.zeros((CANVAS, CANVAS, 3), np.float32)
    silhouette = np.zeros((CANVAS, CANVAS), bool)
    for part in parts:
        inside = part.mask.astype(np.float32) / 255
        distance = cv2.distanceTransform((part.mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
        deepest = max(1.0, float(distance.max()))
        profile = np.sqrt(np.clip(1 - (1 - distance / deepest) ** 2, 0, 1))
        thickness = part.thickness * ((1 - part.rounded) + part.rounded * profile) * inside
        tone = np.array(ATTENUATION[part.material], np.float32) * rng.uniform(0.85, 1.15, 3).astype(np.float32)
        optical += thickness[..., None] * tone
        silhouette |= part.mask > 127
    return np.exp(-optical), silhouette


def squash(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """Tilt out of the belt's plane: foreshorten along a random axis, thicker along the beam by as much."""
    if rng.random() < 0.5:
        return parts
    factor, angle = rng.uniform(0.45, 1.0), rng.uniform(0, 180)
    turn = cv2.getRotationMatrix2D((CANVAS / 2, CANVAS / 2), angle, 1.0)
    rotation = np.vstack([turn, [0, 0, 1]])
    scale = np.array([[factor, 0, CANVAS / 2 * (1 - factor)], [0, 1, 0], [0, 0, 1]])
    matrix = (np.linalg.inv(rotation) @ scale @ rotation)[:2]
    return [Part(cv2.warpAffine(p.mask, matrix, (CANVAS, CANVAS)), p.material, p.thickness / np.sqrt(factor), p.rounded) for p in parts]


def make_patch(name: str, rng: np.random.Generator, longest: int = 192) -> Patch:
    """Draw one object.

    Args:
        name: a key of `THREATS` or `EVERYDAY`.
        longest: longest side of the patch, pixels.
    """
    drawer = THREATS.get(name) or EVERYDAY[name]
    transmission, mask = dim(squash(drawer(rng), rng), rng)
    label = name if name in THREATS else DISTRACTOR
    return trim(Patch(transmission, mask, label, f"shape:{name}"), longest)


def trim(patch: Patch, longest: int) -> Patch:
    """Crop a patch to its silhouette (two pixels of margin) and limit its longest side."""
    rows, columns = np.flatnonzero(patch.mask.any(axis=1)), np.flatnonzero(patch.mask.any(axis=0))
    height, width = patch.mask.shape
    y0, y1 = max(0, rows[0] - 2), min(height, rows[-1] + 3)
    x0, x1 = max(0, columns[0] - 2), min(width, columns[-1] + 3)
    transmission, mask = patch.transmission[y0:y1, x0:x1], patch.mask[y0:y1, x0:x1]
    scale = longest / max(mask.shape)
    if scale < 1:
        size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
        transmission = cv2.resize(transmission, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.4
    # Area interpolation rounds a hair above 1.
    return Patch(np.ascontiguousarray(transmission.clip(max=1), np.float32), np.ascontiguousarray(mask), patch.label, patch.source)
