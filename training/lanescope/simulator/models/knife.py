"""Knives: kitchen knives, daggers, pocket knives, box cutters. Millimetres; each call a new model."""

from __future__ import annotations

import numpy as np

from ..sketch import Board, Rng, pick, turned
from ..solid import Solid, circle, merge, prism


def _handle(board: Board, x0: float, x1: float, width: float, rng: Rng, thick: float, curve: float = 0.0) -> tuple[Solid, Solid | None]:
    """Scales (or a moulded handle) from x0 to x1 and its rivets."""
    mid = (x0 + x1) / 2
    shape = board.stroke(
        [(x0 + width / 2, 0), (mid, curve), (x1 - width / 2, rng.uniform(-2, 2))],
        [width * rng.uniform(0.8, 1.1), width * rng.uniform(0.85, 1.0), width],
    )
    solid = board.lift(board.rounded(shape, thick, thick / 3), pick(rng, "wood", "abs", "acetal", "nylon", "rubber"), 3)
    rivets = None
    if rng.random() < 0.55:
        discs = [
            prism(
                [circle(rng.uniform(2, 3.2), 14, (x0 + (x1 - x0) * t, curve * 0.7))],
                -thick / 2,
                thick / 2,
                pick(rng, "brass", "aluminium", "steel"),
            )
            for t in (0.2, 0.5, 0.8)
        ]
        rivets = merge(discs)
    return solid, rivets


def kitchen_knife(rng: Rng) -> Solid:
    """A chef's, paring, bread or boning knife, or a cleaver: ground blade, tang, handle with rivets."""
    board = Board(400, 130, 4)
    kind = pick(rng, "chef", "chef", "paring", "bread", "boning", "cleaver")
    length = {
        "chef": rng.uniform(140, 220),
        "paring": rng.uniform(70, 110),
        "bread": rng.uniform(170, 230),
        "boning": rng.uniform(120, 170),
        "cleaver": rng.uniform(150, 190),
    }[kind]
    depth = {
        "chef": rng.uniform(32, 50),
        "paring": rng.uniform(16, 24),
        "bread": rng.uniform(24, 34),
        "boning": rng.uniform(14, 22),
        "cleaver": rng.uniform(65, 95),
    }[kind]
    spine = rng.uniform(4, 10)
    if kind == "cleaver":
        edge = [(0, spine), (length, spine + 2), (length - 2, spine - depth), (4, spine - depth + 2)]
    elif kind == "bread":
        edge = (
            [(0, spine), (length - 10, spine), (length, spine - depth * 0.5)]
            + [(length - 4 - i * 6 - (0 if i % 2 else 1.5), spine - depth + (1.8 if i % 2 else 0)) for i in range(int(length / 6) - 1)]
            + [(0, spine - depth * 0.95)]
        )
    else:
        belly = rng.uniform(0.55, 0.85)
        drop = rng.uniform(0.0, 0.45)
        t = np.linspace(0, 1, 14)
        top = [(length * u, spine - depth * drop * u**3) for u in t]
        under = [(length * u, spine - depth + depth * (1 - drop) * max(0.0, (u - belly) / (1 - belly)) ** 1.8) for u in t[::-1]]
        edge = top + under
    mask = board.polygon(edge)
    thick = rng.uniform(1.3, 2.8) if kind != "cleaver" else rng.uniform(2, 4)
    height = board.blade(mask, thick, depth * rng.uniform(0.1, 0.35))
    spine_part = mask & board.bar(-5, length, spine - depth * 0.35 - 6, spine + 5)
    height = np.maximum(height, thick * spine_part * (height > 0) * 0.95)
    grip_l, grip_w = rng.uniform(95, 130), rng.uniform(20, 28)
    y = spine - grip_w * 0.45
    tang = (
        board.bar(-grip_l + 4, 2, y - grip_w * 0.38, y + grip_w * 0.38, 3)
        if rng.random() < 0.6
        else board.bar(-grip_l * 0.6, 2, y - 4, y + 4)
    )
    parts = [board.lift(height, "stainless", 5), board.plate(tang, -thick / 2, thick / 2, "stainless")]
    scales, rivets = _handle(board, -grip_l, 0, grip_w, rng, rng.uniform(14, 20))
    if rng.random() < 0.15:  # all-steel hollow handle
        scales = board.plate(board.stroke([(-grip_l + 10, 0), (-6, 0)], grip_w), 4, 5.5, "stainless")
        parts.append(board.plate(board.stroke([(-grip_l + 10, y), (-6, y)], grip_w), -5.5, -4, "stainless"))
    parts.append(scales.moved(shift=(0, y, 0)))
    if rivets is not None:
        parts.append(rivets.moved(shift=(0, y, 0)))
    if rng.random() < 0.3:
        parts.append(board.plate(board.bar(-12, 1, y - grip_w * 0.45, y + grip_w * 0.45, 2), -7, 7, "stainless"))
    return merge(parts)


def dagger(rng: Rng) -> Solid:
    """A dagger, hunting or diving knife: thick, often double-edged, with a guard and sometimes a saw back."""
    board = Board(360, 110, 4)
    length, depth = rng.uniform(100, 180), rng.uniform(20, 36)
    double = rng.random() < 0.5
    half = depth / 2
    saw = rng.random() < 0.3 and not double
    top = [(0, half), (length * 0.62, half if not double else half * 0.9)]
    if saw:
        top = [(length * 0.1 + i * 4, half - (2.5 if i % 2 else 0)) for i in range(int(length * 0.45 / 4))]
    tip = half * rng.uniform(-0.3, 0.3) if double else half * rng.uniform(-0.2, 0.9)
    mask = board.polygon([(0, half), *top, (length, tip), (length * 0.8, -half * 0.75), (length * 0.55, -half), (0, -half)])
    thick = rng.uniform(3.0, 5.0)
    parts = [board.lift(board.blade(mask, thick, depth * rng.uniform(0.3, 0.5)), pick(rng, "steel", "stainless"), 6)]
    guard = rng.uniform(40, 75)
    if rng.random() < 0.75:
        parts.append(board.plate(board.bar(-8, 0, -guard / 2, guard / 2, 3), -6, 6, pick(rng, "steel", "brass", "zinc", "aluminium")))
    grip_l, grip_w = rng.uniform(90, 120), rng.uniform(22, 30)
    parts.append(board.plate(board.bar(-grip_l - 2, 0, -grip_w * 0.25, grip_w * 0.25), -thick / 2, thick / 2, "steel"))
    rings = rng.random() < 0.5
    width = [grip_w * (0.85 if i % 2 and rings else 1.0) for i in range(9)]
    shape = board.stroke([(-8 - (grip_l - 12) * i / 8, 0) for i in range(9)], width)
    parts.append(board.lift(board.rounded(shape, grip_w * 0.85, 6), pick(rng, "leather", "rubber", "wood", "nylon"), 3))
    if rng.random() < 0.6:
        parts.append(
            board.plate(
                board.bar(-grip_l - 14, -grip_l, -grip_w * 0.55, grip_w * 0.55, 4), -10, 10, pick(rng, "steel", "aluminium", "brass")
            )
        )
    return merge(parts)


def folding_knife(rng: Rng) -> Solid:
    """A pocket knife, open or partly open: blade on a pivot, steel liners, scales, spring, clip."""
    board = Board(300, 220, 4)
    grip_l, grip_w = rng.uniform(85, 120), rng.uniform(18, 28)
    length, depth = grip_l * rng.uniform(0.72, 0.86), grip_w * rng.uniform(0.65, 0.85)
    turn = float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.3, 2.4)]))
    blade = [
        (0, depth * 0.4),
        (length * 0.7, depth * 0.45),
        (length, depth * rng.uniform(-0.3, 0.3)),
        (length * 0.75, -depth * 0.45),
        (length * 0.12, -depth * 0.55),
        (0, -depth * 0.3),
    ]
    mask = board.polygon(turned(blade, turn)) | board.disc(0, 0, depth * 0.42)
    thick = rng.uniform(2.0, 3.6)
    parts = [board.lift(board.blade(mask, thick, depth * 0.4), "stainless", 4)]
    shape = board.stroke(
        [(4, 0), (-grip_l * 0.5, rng.uniform(0, 4)), (-grip_l + 10, rng.uniform(-4, 2))], [grip_w * 0.8, grip_w, grip_w * 0.85]
    )
    liner = rng.uniform(0.8, 1.6)
    scale = pick(rng, "nylon", "wood", "aluminium", "abs", "stainless")
    for side in (-1, 1):
        z = side * (thick / 2 + liner / 2 + 0.2)
        parts.append(board.plate(shape, z - liner / 2, z + liner / 2, "stainless"))
        z = side * (thick / 2 + liner + 2.2)
        parts.append(board.lift(board.rounded(shape, 3.6 if scale != "stainless" else 1.5, 2), scale, 2, z))
    back = shape & ~board.stroke([(8, -4), (-grip_l * 0.5, -3), (-grip_l + 10, -6)], grip_w * 0.7)
    parts.append(board.plate(back, -thick / 2, thick / 2, "stainless"))
    for x, y in ((0, 0), (-grip_l * 0.5, 2), (-grip_l + 12, -2)):
        parts.append(prism([circle(2.6, 14, (x, y))], -thick / 2 - 5, thick / 2 + 5, "steel"))
    if rng.random() < 0.5:
        parts.append(board.plate(board.bar(-grip_l + 8, -grip_l * 0.45, 2, 8, 2), 9, 10, "steel"))
    return merge(parts)


def box_cutter(rng: Rng) -> Solid:
    """A utility knife: snap-off or trapezoid blade pushed out of a plastic or cast handle."""
    board = Board(240, 70, 4)
    length, wide = rng.uniform(120, 165), rng.uniform(18, 28)
    out = rng.uniform(15, 70)
    depth = rng.uniform(9, 18)
    blade = board.polygon(
        [(-60, depth / 2), (length / 2 + out - depth * 0.8, depth / 2), (length / 2 + out, -depth / 2), (-60, -depth / 2)]
    )
    for i in range(14):
        x = length / 2 + out - 8 - i * 7
        blade &= ~board.stroke([(x, -depth / 2), (x - depth * 0.45, depth / 2)], 0.7)
    body = board.bar(-length / 2, length / 2, -wide / 2, wide / 2, wide * rng.uniform(0.2, 0.5))
    parts = [board.plate(blade, -0.35, 0.35, "steel")]
    if rng.random() < 0.35:
        parts += [board.plate(body, 4, 7, "zinc"), board.plate(body, -7, -4, "zinc")]
    else:
        parts.append(board.lift(board.rounded(body, 13, 4), "abs", 3))
        channel = board.bar(-length / 2 + 10, length / 2 - 1, -depth / 2 - 2, depth / 2 + 2) & ~board.bar(
            -length / 2 + 12, length / 2, -depth / 2, depth / 2
        )
        parts += [
            board.plate(channel, -2.5, 2.5, "stainless"),
            board.plate(board.bar(-length / 2 + 10, length / 2, -depth / 2, depth / 2), 2, 2.6, "stainless"),
        ]
    parts.append(board.plate(board.bar(-8, 12, -5, 5, 2), 3, 8, pick(rng, "abs", "steel")))
    return merge(parts)
