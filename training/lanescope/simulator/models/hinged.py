"""Pliers and scissors: two arms on a pivot. Millimetres; each call a new model."""

from __future__ import annotations

import numpy as np

from ..sketch import Board, Rng, pick, turned
from ..solid import Solid, circle, merge, prism


def pliers(rng: Rng) -> Solid:
    """Combination, needle-nose, cutting, slip-joint or water-pump pliers: two forged arms, pivot, sleeved handles."""
    kind = pick(rng, "combination", "needle", "cutter", "pump", "slip")
    length = {
        "combination": rng.uniform(150, 210),
        "needle": rng.uniform(130, 210),
        "cutter": rng.uniform(120, 180),
        "pump": rng.uniform(180, 270),
        "slip": rng.uniform(150, 200),
    }[kind]
    s = length / 180
    board = Board(length * 1.35 + 60, length * 1.1 + 40, 3.5)
    nose = {"combination": 42, "needle": rng.uniform(55, 85), "cutter": 24, "pump": 45, "slip": 45}[kind] * s
    open_by = rng.beta(1.2, 2.5) * 0.55 * (0.8 if kind == "needle" else 1.0)
    handle_l, spread = length - nose, rng.uniform(16, 26) * s
    metal = pick(rng, "steel", "steel", "stainless")
    sleeve = pick(rng, "pvc", "rubber", "pvc", "nylon", "none")
    shank = rng.uniform(8, 11) * s
    bow = rng.uniform(-6, 8) * s
    thick = rng.uniform(8, 11) * s
    parts = []
    for side in (-1, 1):
        turn = side * open_by / 2
        # Jaw on one side of the axis, handle on the other: that is what makes it a lever.
        limb = [
            (-handle_l, -side * spread * rng.uniform(0.7, 1.0)),
            (-handle_l * 0.5, -side * (spread + bow)),
            (-14 * s, -side * 7 * s),
            (0, 0),
        ]
        arm = board.stroke(turned(limb, turn), [shank * 0.9, shank, shank * 1.15, 17 * s])
        w = {"combination": 11, "needle": 7.5, "cutter": 12, "pump": 11, "slip": 11}[kind] * s
        if kind == "cutter":
            jaw_points = [(0, side * 1 * s), (4 * s, side * 14 * s), (nose * 0.75, side * 9 * s), (nose, side * 0.4), (0, side * 0.3)]
        elif kind == "pump":
            jaw_points = [
                (-6 * s, -side * 2 * s),
                (-4 * s, side * 12 * s),
                (nose * 0.6, side * 20 * s),
                (nose, side * 14 * s),
                (nose * 0.96, side * 3 * s),
                (nose * 0.5, side * 5 * s),
                (nose * 0.2, 0),
            ]
        else:
            tip = w * (0.28 if kind == "needle" else 0.62)
            jaw_points = [
                (-3 * s, side * 0.3),
                (0, side * w * 1.15),
                (nose * 0.45, side * w * 0.95),
                (nose, side * tip),
                (nose, side * 0.3),
            ]
        jaw = board.polygon(turned(jaw_points, turn))
        if kind in ("combination", "slip"):
            cx, cy = turned([(nose * 0.52, 0)], turn)[0].tolist()
            jaw &= ~board.oval(cx, cy, 8 * s, 3.2 * s, turn)
        taper = np.linspace(1.0, 0.55 if kind == "needle" else 0.8, 2)
        head = board.rounded(arm | jaw, thick, 2.5 * s)
        x = (np.arange(board.shape[1]) - board.origin[0]) / board.per_mm
        head = head * np.interp(x, [0, nose], taper)[None]
        pivot_zone = board.disc(0, 0, 11 * s)
        # The two arms share the joint: each is cut to half its thickness there.
        lap = np.where(pivot_zone, np.minimum(head, thick * 0.5), head)
        parts.append(board.lift(np.where(pivot_zone, 0.0, lap), metal, 4))
        parts.append(board.lift(np.where(pivot_zone, lap, 0.0), metal, 2, z=side * thick * 0.25))
        if sleeve != "none":
            cover_points = turned(
                [(-handle_l - 2 * s, limb[0][1]), (-handle_l * 0.5, limb[1][1]), (-handle_l * 0.28, -side * (spread * 0.75 + bow * 0.5))],
                turn,
            )
            cover = board.stroke(cover_points, [shank + 6 * s, shank + 7 * s, shank + 5 * s])
            parts.append(board.lift((board.rounded(cover, thick + 6, 5) - board.rounded(cover & (arm > 0), thick, 3)).clip(0), sleeve, 3))
    parts.append(prism([circle(rng.uniform(5, 7) * s, 20)], -thick * 0.62, thick * 0.62, "steel"))
    if kind == "pump":
        for i in range(3):
            parts.append(prism([circle(3.2 * s, 12, (-16 * s - i * 9 * s, -6 * s - 3 * i * s))], -thick * 0.3, thick * 0.3, "steel"))
    return merge(parts)


def scissors(rng: Rng) -> Solid:
    """Paper, kitchen, tailor's, children's or nail scissors: two ground blades, pivot, finger loops in plastic or steel."""
    length = rng.uniform(95, 240)
    s = length / 180
    board = Board(length * 1.5 + 40, length * 1.2 + 40, 3.5 if s > 0.8 else 4.5)
    reach = length * rng.uniform(0.48, 0.6)
    open_by = float(rng.choice([rng.uniform(0, 0.08), rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.9)]))
    steel_loops = rng.random() < 0.35
    plastic = pick(rng, "abs", "nylon", "pvc")
    thick = rng.uniform(1.6, 3.0) * max(s, 0.7)
    wide = rng.uniform(13, 19) * s
    back = length - reach
    blunt = rng.random() < 0.3
    parts = []
    for side in (-1, 1):
        turn = side * open_by / 2
        big = 1.0 if side > 0 or rng.random() < 0.5 else rng.uniform(1.2, 1.7)
        lx, ly = -back + rng.uniform(14, 18) * s, -side * rng.uniform(15, 20) * s
        rx, ry = rng.uniform(17, 22) * s * big, rng.uniform(12, 15) * s
        tip_y = side * wide * (0.3 if blunt else 0.06)
        blade_points = [
            (-10 * s, -side * wide * 0.35),
            (-4 * s, side * wide * 0.6),
            (reach * 0.3, side * wide * 0.62),
            (reach * 0.85, side * wide * 0.38),
            (reach, tip_y),
            (reach * 0.98, -side * 0.5),
            (0, -side * wide * 0.22),
        ]
        blade = board.polygon(turned(blade_points, turn)) | board.disc(0, 0, wide * 0.58)
        shank = board.stroke(turned([(0, 0), (-back * 0.3, -side * 6 * s), (lx + rx * 0.7, ly)], turn), [wide * 0.9, wide * 0.55, 8 * s])
        cx, cy = turned([(lx, ly)], turn)[0]
        lean = turn + side * rng.uniform(0.0, 0.25)
        inner = board.oval(cx, cy, rx - 5 * s, ry - 4.5 * s, lean)
        z = side * thick / 2
        if steel_loops:
            ring = board.oval(cx, cy, rx, ry, lean) & ~inner
            parts.append(board.lift(board.rounded((ring | shank) & ~inner & ~blade, 4.5 * s, 2 * s), "stainless", 3, z))
        else:
            tang = board.stroke(
                turned([(0, 0), (-back * 0.35, -side * 6 * s), (-back * 0.55, ly * 0.7)], turn), [wide * 0.8, wide * 0.5, 4 * s]
            )
            parts.append(board.plate(tang & ~blade & ~inner, z - thick / 2, z + thick / 2, "stainless"))
            ring = (
                board.oval(cx, cy, rx + 2 * s, ry + 2.5 * s, lean)
                | board.stroke(turned([(-back * 0.22, -side * 5 * s), (lx + rx * 0.8, ly)], turn), [9 * s, 13 * s])
            ) & ~inner
            parts.append(board.lift(board.rounded(ring, rng.uniform(8, 11) * s, 4 * s), plastic, 3, z))
        parts.append(board.lift(board.blade(blade, thick, wide * rng.uniform(0.12, 0.35)), "stainless", 3, z))
    parts.append(prism([circle(rng.uniform(3, 4.5) * s, 18)], -thick - 1, thick + 1, pick(rng, "steel", "brass", "steel")))
    return merge(parts)
