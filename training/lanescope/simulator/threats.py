"""The five prohibited classes as parametric solids with real dimensions, each call a new model. Millimetres, any order of parts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .sketch import Board, turned
from .solid import X_AXIS, Solid, about, circle, merge, prism, revolve

Rng = np.random.Generator
Z = np.array([0, 0, 1.0])


def _pick(rng: Rng, *options: str) -> str:
    return options[int(rng.integers(len(options)))]


def _tube(x0: float, x1: float, y: float, outer: float, inner: float, material: str) -> Solid:
    """A tube (or rod) along x at height y."""
    loops = [circle(outer / 2)] + ([circle(inner / 2, hole=True)] if inner > 0 else [])
    return prism(loops, x0, x1, material).moved(X_AXIS, (0, y, 0))


def _spring(x0: float, x1: float, y: float, radius: float, turns: int) -> Solid:
    """A coil spring seen as beads: what it looks like in a scan."""
    profile = [(0.0, x0)]
    for i in range(turns):
        a, b = x0 + (x1 - x0) * i / turns, x0 + (x1 - x0) * (i + 0.5) / turns
        profile += [(radius, a + 0.01), (radius, b), (radius * 0.55, b + 0.01), (radius * 0.55, x0 + (x1 - x0) * (i + 1) / turns)]
    profile.append((0.0, x1))
    return revolve(profile, "steel", 8).moved(X_AXIS, (0, y, 0))


# --- gun ---------------------------------------------------------------------------------------------------------------------------


def pistol(rng: Rng) -> Solid:
    """A self-loading pistol: hollow slide, barrel, recoil spring, frame, trigger, magazine with cartridges."""
    board = Board(280, 220, 4)
    length, slide_h, wide = rng.uniform(150, 210), rng.uniform(22, 29), rng.uniform(22, 30)
    rake, grip_l, grip_w = rng.uniform(0.12, 0.35), rng.uniform(80, 110), rng.uniform(40, 52)
    x0, x1, top = -length * 0.42, length * 0.58, 40.0  # muzzle at x1
    bottom = top - slide_h
    polymer = rng.random() < 0.45
    slide = board.polygon([(x0, bottom), (x0 + rng.uniform(0, 6), top), (x1 - rng.uniform(0, 8), top), (x1, top - rng.uniform(4, 10)), (x1, bottom)])
    port = board.bar(x0 + length * 0.45, x0 + length * 0.62, top - 9, top + 1)
    wall = rng.uniform(4.0, 7.0)
    half = wide / 2
    parts = [
        board.plate(slide & ~port, half - wall, half, "steel"),
        board.plate(slide, -half, -half + wall, "steel"),
        board.plate(slide & board.bar(x0, x1, top - 5, top + 1) & ~port, -half + wall, half - wall, "steel"),
        board.plate(slide & board.bar(x0, x0 + length * 0.3, bottom + 4, top), -half + wall, half - wall, "steel"),
        board.plate(slide & board.bar(x1 - 6, x1, bottom, top) & ~board.disc(x1 - 3, top - slide_h * 0.42, 4.0), -half + wall, half - wall, "steel"),
        _tube(x0 + length * 0.34, x1 + rng.uniform(-2, 3), top - slide_h * 0.42, rng.uniform(13, 16), rng.uniform(5.6, 11.4), "steel"),
        _spring(x0 + length * 0.5, x1 - 8, bottom + 4, 4.2, 22),
    ]
    for sight in (x0 + 8, x1 - 12):
        parts.append(board.plate(board.bar(sight - 3, sight + 3, top, top + 4), -3, 3, "steel"))
    gx, gy = x0 + length * rng.uniform(0.10, 0.18), bottom
    dx = -grip_l * math.sin(rake)
    grip = board.polygon([(gx - 6, gy), (gx + grip_w, gy), (gx + grip_w + dx, gy - grip_l), (gx + dx, gy - grip_l), (gx - 3 + dx * 0.4, gy - grip_l * 0.4)])
    dust = board.bar(x0 + 4, x0 + length * rng.uniform(0.8, 0.95), bottom - rng.uniform(12, 18), bottom)
    tx = gx + grip_w
    guard_l, guard_h = rng.uniform(42, 52), rng.uniform(28, 36)
    ring = board.bar(tx - 6, tx + guard_l, bottom - 12 - guard_h, bottom - 8, rng.uniform(10, 18))
    hole = board.bar(tx, tx + guard_l - 6, bottom - 6 - guard_h, bottom - 13, rng.uniform(7, 14))
    frame = (grip | dust | ring) & ~hole
    trigger = board.stroke([(tx + 16, bottom - 12), (tx + 14, bottom - 22), (tx + 18, bottom - 12 - guard_h * 0.75)], [8, 6, 4])
    gh = rng.uniform(11, 16)
    if polymer:
        parts.append(board.lift(board.rounded(frame, 2 * gh, 6), "nylon", 4))
        parts.append(board.plate(dust & board.bar(x0 + length * 0.2, x0 + length * 0.6, bottom - 8, bottom), -half + 3, half - 3, "steel"))
    else:
        metal = _pick(rng, "steel", "aluminium", "aluminium", "zinc")
        parts.append(board.plate(frame, gh - 5, gh - 1, metal))
        parts.append(board.plate(frame, -gh + 1, -gh + 5, metal))
        rim = frame & ~board.polygon([(gx, gy), (gx + grip_w - 6, gy), (gx + grip_w - 6 + dx, gy - grip_l), (gx + 6 + dx, gy - grip_l)])
        parts.append(board.plate(rim, -gh + 5, gh - 5, metal))
        panel = _pick(rng, "wood", "abs", "rubber")
        for side in (-1, 1):
            parts.append(board.lift(board.rounded(grip, 6, 3), panel, 2, z=side * (gh + 2)))
    parts.append(board.plate(trigger, -4, 4, "steel"))
    hammer = board.stroke([(x0 + 2, bottom + 2), (x0 - 6, bottom + 12), (x0 - 8, bottom + 16)], [10, 8, 5])
    if rng.random() < 0.6:
        parts.append(board.plate(hammer, -5, 5, "steel"))
    if rng.random() < 0.7:
        mx, mw = gx + 6, grip_w - 12
        magazine = board.polygon([(mx, gy), (mx + mw, gy), (mx + mw + dx * 1.03, gy - grip_l - 4), (mx + dx * 1.03, gy - grip_l - 4)])
        base = board.polygon([(mx - 5 + dx, gy - grip_l), (mx + mw + 5 + dx, gy - grip_l), (mx + mw + 5 + dx, gy - grip_l - 8), (mx - 5 + dx, gy - grip_l - 8)])
        parts += [board.plate(magazine, 9, 10.2, "steel"), board.plate(magazine, -10.2, -9, "steel"), board.plate(base, -12, 12, _pick(rng, "abs", "aluminium"))]
        for i in range(int(rng.integers(0, 10))):
            t = 0.06 + 0.085 * i
            cx, cy = mx + dx * t, gy - grip_l * t
            case = revolve([(0, 0), (4.8, 0.01), (4.8, 19), (0, 19.01)], "brass", 10)
            bullet = revolve([(0, 0), (4.5, 0.01), (4.4, 5), (2.5, 9.5), (0, 11)], "lead", 10)
            parts += [case.moved(X_AXIS, (cx + 3, cy, 0)), bullet.moved(X_AXIS, (cx + 22, cy, 0))]
    return merge(parts)


def revolver(rng: Rng) -> Solid:
    """A revolver: barrel and frame, cylinder with chambers (loaded or not), grip, trigger guard, hammer."""
    board = Board(330, 220, 4)
    barrel = rng.uniform(50, 155)
    cyl_r, cyl_l, shots = rng.uniform(16, 20), rng.uniform(36, 44), int(rng.choice([5, 6, 6, 7]))
    y = 30.0  # bore
    metal = _pick(rng, "steel", "stainless", "steel", "zinc")
    cy = y - cyl_r * 0.55
    frame = board.bar(-cyl_l / 2 - 14, cyl_l / 2 + 8, cy - cyl_r - 8, y + 12, 5)
    window = board.bar(-cyl_l / 2 - 1, cyl_l / 2 + 1, cy - cyl_r - 1, y + 7)
    back = board.smooth([(-cyl_l / 2 - 2, y + 12), (-cyl_l / 2 - 22, y - 2), (-cyl_l / 2 - 26, y - 30), (-cyl_l / 2 + 5, y - 46)])
    rake = rng.uniform(0.25, 0.55)
    gl = rng.uniform(70, 105)
    gx, gy = -cyl_l / 2 - 14, y - 36
    hx, hy = gx - math.sin(rake) * gl, gy - math.cos(rake) * gl
    grip = board.stroke([(gx, gy), ((gx + hx) / 2 - 3, (gy + hy) / 2), (hx, hy)], [26, rng.uniform(28, 34), rng.uniform(34, 46)])
    strap = grip & ~board.stroke([(gx, gy - 8), ((gx + hx) / 2 - 3, (gy + hy) / 2), (hx, hy + 4)], [14, 20, 26])
    guard_y = cy - cyl_r - 8
    ring = board.oval(-2, guard_y - 8, rng.uniform(22, 27), rng.uniform(17, 22))
    hole = board.oval(-2, guard_y - 8, 19, 14)
    parts = [
        board.plate((frame & ~window) | back, -7, 7, metal),
        board.plate(strap, -6, 6, metal),
        board.plate(ring & ~hole & ~frame, -5, 5, metal),
        board.plate(board.stroke([(-4, guard_y), (-7, guard_y - 10), (-2, guard_y - 20)], [8, 6, 4]), -4, 4, metal),
        board.plate(board.stroke([(-cyl_l / 2 - 14, y), (-cyl_l / 2 - 24, y + 16), (-cyl_l / 2 - 32, y + 18)], [10, 8, 5]), -4, 4, metal),
        _tube(cyl_l / 2 + 1, cyl_l / 2 + barrel, y, rng.uniform(15, 19), 9.2, metal),
        board.plate(board.bar(cyl_l / 2 + 4, cyl_l / 2 + barrel - rng.uniform(2, 8), y + 7, y + 11), -3, 3, metal),
        board.plate(board.polygon([(cyl_l / 2 + barrel - 14, y + 10), (cyl_l / 2 + barrel - 2, y + 10), (cyl_l / 2 + barrel - 4, y + 18)]), -1.5, 1.5, metal),
    ]
    if rng.random() < 0.7:
        parts.append(_tube(cyl_l / 2 + 1, cyl_l / 2 + barrel * rng.uniform(0.6, 0.95), cy, rng.uniform(9, 13), 0, metal))
    loops = [circle(cyl_r, 40)]
    for i in range(shots):
        a = 2 * math.pi * (i + 0.25) / shots
        loops.append(circle(4.8, 12, (0.62 * cyl_r * math.cos(a), 0.62 * cyl_r * math.sin(a)), hole=True))
    parts.append(prism(loops, -cyl_l / 2, cyl_l / 2, metal).moved(X_AXIS, (0, cy, 0)))
    if rng.random() < 0.5:
        for i in range(shots):
            a = 2 * math.pi * (i + 0.25) / shots
            spot = prism([circle(4.6, 12, (0.62 * cyl_r * math.cos(a), 0.62 * cyl_r * math.sin(a)))], -cyl_l / 2, 5, "brass")
            parts.append(spot.moved(X_AXIS, (0, cy, 0)))
    thick = rng.uniform(24, 32)
    parts.append(board.lift(board.rounded(grip, thick, 10), _pick(rng, "wood", "rubber", "abs"), 4))
    return merge(parts)


def outline_gun(rng: Rng) -> Solid:
    """A compact pistol of plain metal plates over an outline (toy-like castings, pocket pistols)."""
    board = Board(240, 180, 4)
    length, h = rng.uniform(110, 160), rng.uniform(18, 26)
    x0, x1 = -length / 2, length / 2
    body = board.bar(x0, x1, 20 - h, 20, 3)
    rake = rng.uniform(0.1, 0.4)
    gl, gw = rng.uniform(55, 85), rng.uniform(30, 42)
    grip = board.polygon([(x0 + 4, 20 - h), (x0 + 4 + gw, 20 - h), (x0 + 4 + gw - gl * math.sin(rake), 20 - h - gl), (x0 + 2 - gl * math.sin(rake), 20 - h - gl)])
    guard = board.oval(x0 + gw + 18, 20 - h - 10, 22, 16) & ~board.oval(x0 + gw + 18, 20 - h - 10, 17, 12)
    metal = _pick(rng, "steel", "zinc", "aluminium", "steel")
    wide = rng.uniform(18, 24) / 2
    parts = [board.plate(body | grip, w, w + rng.uniform(3, 5), metal) for w in (-wide, wide - 5)]
    parts += [board.plate(guard, -4, 4, metal), _tube(x0 + length * 0.3, x1, 20 - h * 0.45, 12, rng.uniform(5.6, 9), "steel")]
    parts.append(board.plate(body & board.bar(x0, x0 + length * 0.4, 0, 22), -wide + 5, wide - 5, metal))
    parts.append(board.plate(board.stroke([(x0 + gw + 12, 20 - h), (x0 + gw + 10, 8 - h), (x0 + gw + 14, 2 - h)], [7, 5, 4]), -3, 3, metal))
    parts.append(board.plate(grip & board.bar(x0 - 60, x0 + 40, -90, 20 - h - 6), -wide + 4, -wide + 5.2, "steel"))
    return merge(parts)


# --- knife -------------------------------------------------------------------------------------------------------------------------


def _handle(board: Board, x0: float, x1: float, width: float, rng: Rng, thick: float, curve: float = 0.0) -> tuple[Solid, Solid | None]:
    """Scales (or a moulded handle) from x0 to x1 and its rivets."""
    mid = (x0 + x1) / 2
    shape = board.stroke([(x0 + width / 2, 0), (mid, curve), (x1 - width / 2, rng.uniform(-2, 2))], [width * rng.uniform(0.8, 1.1), width * rng.uniform(0.85, 1.0), width])
    solid = board.lift(board.rounded(shape, thick, thick / 3), _pick(rng, "wood", "abs", "acetal", "nylon", "rubber"), 3)
    rivets = None
    if rng.random() < 0.55:
        discs = [prism([circle(rng.uniform(2, 3.2), 14, (x0 + (x1 - x0) * t, curve * 0.7))], -thick / 2, thick / 2, _pick(rng, "brass", "aluminium", "steel")) for t in (0.2, 0.5, 0.8)]
        rivets = merge(discs)
    return solid, rivets


def kitchen_knife(rng: Rng) -> Solid:
    """A chef's, paring, bread or boning knife, or a cleaver: ground blade, tang, handle with rivets."""
    board = Board(400, 130, 4)
    kind = _pick(rng, "chef", "chef", "paring", "bread", "boning", "cleaver")
    length = {"chef": rng.uniform(140, 220), "paring": rng.uniform(70, 110), "bread": rng.uniform(170, 230), "boning": rng.uniform(120, 170), "cleaver": rng.uniform(150, 190)}[kind]
    depth = {"chef": rng.uniform(32, 50), "paring": rng.uniform(16, 24), "bread": rng.uniform(24, 34), "boning": rng.uniform(14, 22), "cleaver": rng.uniform(65, 95)}[kind]
    spine = rng.uniform(4, 10)
    if kind == "cleaver":
        edge = [(0, spine), (length, spine + 2), (length - 2, spine - depth), (4, spine - depth + 2)]
    elif kind == "bread":
        edge = [(0, spine), (length - 10, spine), (length, spine - depth * 0.5)] + [
            (length - 4 - i * 6 - (0 if i % 2 else 1.5), spine - depth + (1.8 if i % 2 else 0)) for i in range(int(length / 6) - 1)
        ] + [(0, spine - depth * 0.95)]
    else:
        belly = rng.uniform(0.55, 0.85)
        drop = rng.uniform(0.0, 0.45)
        t = np.linspace(0, 1, 14)
        top = [(length * u, spine - depth * drop * u**3) for u in t]
        under = [(length * u, spine - depth + depth * (1 - drop) * max(0.0, (u - belly) / (1 - belly)) ** 1.8) for u in t[::-1]]
        edge = top + under
    mask = board.polygon(edge)
    thick = rng.uniform(1.3, 2.8) if kind != "cleaver" else rng.uniform(2, 4)
    height = board.blade(mask, thick, depth * rng.uniform(0.25, 0.6))
    spine_part = mask & board.bar(-5, length, spine - depth * 0.35 - 6, spine + 5)
    height = np.maximum(height, thick * spine_part * (height > 0) * 0.95)
    grip_l, grip_w = rng.uniform(95, 130), rng.uniform(20, 28)
    y = spine - grip_w * 0.45
    tang = board.bar(-grip_l + 4, 2, y - grip_w * 0.38, y + grip_w * 0.38, 3) if rng.random() < 0.6 else board.bar(-grip_l * 0.6, 2, y - 4, y + 4)
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
    parts = [board.lift(board.blade(mask, thick, depth * rng.uniform(0.3, 0.5)), _pick(rng, "steel", "stainless"), 6)]
    guard = rng.uniform(40, 75)
    if rng.random() < 0.75:
        parts.append(board.plate(board.bar(-8, 0, -guard / 2, guard / 2, 3), -6, 6, _pick(rng, "steel", "brass", "zinc", "aluminium")))
    grip_l, grip_w = rng.uniform(90, 120), rng.uniform(22, 30)
    parts.append(board.plate(board.bar(-grip_l - 2, 0, -grip_w * 0.25, grip_w * 0.25), -thick / 2, thick / 2, "steel"))
    rings = rng.random() < 0.5
    width = [grip_w * (0.85 if i % 2 and rings else 1.0) for i in range(9)]
    shape = board.stroke([(-8 - (grip_l - 12) * i / 8, 0) for i in range(9)], width)
    parts.append(board.lift(board.rounded(shape, grip_w * 0.85, 6), _pick(rng, "leather", "rubber", "wood", "nylon"), 3))
    if rng.random() < 0.6:
        parts.append(board.plate(board.bar(-grip_l - 14, -grip_l, -grip_w * 0.55, grip_w * 0.55, 4), -10, 10, _pick(rng, "steel", "aluminium", "brass")))
    return merge(parts)


def folding_knife(rng: Rng) -> Solid:
    """A pocket knife, open or partly open: blade on a pivot, steel liners, scales, spring, clip."""
    board = Board(300, 220, 4)
    grip_l, grip_w = rng.uniform(85, 120), rng.uniform(18, 28)
    length, depth = grip_l * rng.uniform(0.72, 0.86), grip_w * rng.uniform(0.65, 0.85)
    turn = float(rng.choice([0.0, 0.0, 0.0, rng.uniform(0.3, 2.4)]))
    blade = [(0, depth * 0.4), (length * 0.7, depth * 0.45), (length, depth * rng.uniform(-0.3, 0.3)), (length * 0.75, -depth * 0.45), (length * 0.12, -depth * 0.55), (0, -depth * 0.3)]
    mask = board.polygon(turned(blade, turn)) | board.disc(0, 0, depth * 0.42)
    thick = rng.uniform(2.0, 3.6)
    parts = [board.lift(board.blade(mask, thick, depth * 0.4), "stainless", 4)]
    shape = board.stroke([(4, 0), (-grip_l * 0.5, rng.uniform(0, 4)), (-grip_l + 10, rng.uniform(-4, 2))], [grip_w * 0.8, grip_w, grip_w * 0.85])
    liner = rng.uniform(0.8, 1.6)
    scale = _pick(rng, "nylon", "wood", "aluminium", "abs", "stainless")
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
    blade = board.polygon([(-60, depth / 2), (length / 2 + out - depth * 0.8, depth / 2), (length / 2 + out, -depth / 2), (-60, -depth / 2)])
    for i in range(14):
        x = length / 2 + out - 8 - i * 7
        blade &= ~board.stroke([(x, -depth / 2), (x - depth * 0.45, depth / 2)], 0.7)
    body = board.bar(-length / 2, length / 2, -wide / 2, wide / 2, wide * rng.uniform(0.2, 0.5))
    parts = [board.plate(blade, -0.35, 0.35, "steel")]
    if rng.random() < 0.35:
        parts += [board.plate(body, 4, 7, "zinc"), board.plate(body, -7, -4, "zinc")]
    else:
        parts.append(board.lift(board.rounded(body, 13, 4), "abs", 3))
        channel = board.bar(-length / 2 + 10, length / 2 - 1, -depth / 2 - 2, depth / 2 + 2) & ~board.bar(-length / 2 + 12, length / 2, -depth / 2, depth / 2)
        parts += [board.plate(channel, -2.5, 2.5, "stainless"), board.plate(board.bar(-length / 2 + 10, length / 2, -depth / 2, depth / 2), 2, 2.6, "stainless")]
    parts.append(board.plate(board.bar(-8, 12, -5, 5, 2), 3, 8, _pick(rng, "abs", "steel")))
    return merge(parts)


# --- wrench ------------------------------------------------------------------------------------------------------------------------


def _open_jaw(board: Board, x: float, jaw: float, direction: float) -> tuple[np.ndarray, np.ndarray]:
    """(head, mouth) masks of an open end at x whose mouth looks along `direction` (radians)."""
    r = jaw * 1.08
    d = np.array([math.cos(direction), math.sin(direction)])
    n = np.array([-d[1], d[0]])
    c = np.array([x, 0.0])
    head = board.disc(*c, r)
    mouth = board.polygon([c - 0.35 * jaw * d + n * jaw / 2, c + 2 * jaw * d + n * jaw / 2, c + 2 * jaw * d - n * jaw / 2, c - 0.35 * jaw * d - n * jaw / 2])
    mouth |= board.disc(*(c - 0.32 * jaw * d), jaw * 0.5)
    trim = board.polygon([c + 0.9 * jaw * d + n * 3 * jaw, c + 4 * jaw * d + n * 3 * jaw, c + 4 * jaw * d - n * 3 * jaw, c + 0.9 * jaw * d - n * 3 * jaw])
    return head & ~trim, mouth


def spanner(rng: Rng) -> Solid:
    """Open-ended, combination or ring spanner: forged heads, I-section shank."""
    length = rng.uniform(110, 260)
    jaw = np.clip(length * rng.uniform(0.065, 0.1), 8, 24)
    board = Board(length + jaw * 5, jaw * 5 + 40, 4)
    kind = _pick(rng, "open", "combination", "combination", "ring", "open")
    x0, x1 = -length / 2, length / 2
    shank_w = jaw * rng.uniform(0.75, 1.0)
    shank = board.stroke([(x0, 0), (0, 0), (x1, 0)], [shank_w * 1.15, shank_w * 0.9, shank_w * 1.15])
    heads, mouths = board.blank() > 0, board.blank() > 0
    jaw2 = jaw * rng.uniform(0.8, 1.0)
    for x, size, side in ((x1, jaw, 0.0), (x0, jaw2, math.pi)):
        ring = kind == "ring" or (kind == "combination" and side > 0)
        if ring:
            heads |= board.disc(x, 0, size * 0.86)
            mouths |= board.hex(x, 0, size, rng.uniform(0, 1)) | board.hex(x, 0, size, rng.uniform(0, 1))
        else:
            head, mouth = _open_jaw(board, x, size, side + float(rng.choice([0.26, -0.26, 0.0])))
            heads, mouths = heads | head, mouths | mouth
    head_t, shank_t = jaw * rng.uniform(0.35, 0.5), jaw * rng.uniform(0.26, 0.38)
    metal = _pick(rng, "steel", "steel", "stainless")
    height = np.maximum(board.rounded(heads & ~mouths, head_t, 1.5), board.rounded(shank & ~mouths & ~heads, shank_t, 1.5))
    if rng.random() < 0.7:
        web = board.stroke([(x0 + jaw * 1.6, 0), (x1 - jaw * 1.6, 0)], shank_w * 0.5)
        height = np.where(web, np.minimum(height, shank_t * rng.uniform(0.45, 0.7)), height)
    return board.lift(height, metal, 5)


def adjustable(rng: Rng) -> Solid:
    """An adjustable spanner: fixed jaw, sliding jaw, worm screw, tapering I-section handle with a hole."""
    length = rng.uniform(150, 300)
    s = length / 200
    board = Board(length + 80, 130 * s + 20, 4 if s < 1.2 else 3)
    gap = rng.uniform(4, 24) * s
    handle = board.stroke([(-length / 2 + 10 * s, 0), (0, -1 * s), (length / 2 - 52 * s, -2 * s)], [20 * s, 15 * s, 24 * s])
    hx = length / 2 - 32 * s
    head = board.smooth([(hx - 26 * s, -14 * s), (hx - 24 * s, 12 * s), (hx - 6 * s, 27 * s), (hx + 30 * s, 30 * s), (hx + 34 * s, 20 * s), (hx + 8 * s, 13 * s), (hx + 4 * s, -12 * s), (hx - 8 * s, -22 * s)])
    y = 13 * s - gap
    jaw = board.polygon([(hx + 4 * s, y), (hx + 33 * s, y + 1 * s), (hx + 29 * s, y - 9 * s), (hx + 8 * s, y - 19 * s), (hx - 6 * s, y - 22 * s), (hx - 4 * s, y - 8 * s)])
    hole = board.disc(-length / 2 + 10 * s, 0, 5 * s)
    slot = board.bar(hx - 16 * s, hx - 3 * s, -12 * s, 2 * s)
    t = 13 * s
    height = np.maximum(board.rounded(head & ~slot & ~jaw, t, 3), board.rounded(handle & ~hole & ~head & ~jaw, t * 0.7, 2))
    web = board.stroke([(-length / 2 + 28 * s, 0), (length / 2 - 70 * s, -1 * s)], 8 * s)
    height = np.where(web, np.minimum(height, t * rng.uniform(0.3, 0.55)), height)
    worm = _spring(-8 * s, 8 * s, 0, 5.5 * s, 6).moved(about(Z, 0.0), (hx - 9.5 * s, -5 * s, 0))
    metal = "steel"
    return merge([board.lift(height, metal, 5), board.lift(board.rounded(jaw, t * 0.95, 2), metal, 3), worm])


def pipe_wrench(rng: Rng) -> Solid:
    """A pipe wrench: heavy handle, hooked jaw with teeth, knurled nut."""
    length = rng.uniform(200, 320)
    s = length / 250
    board = Board(length + 90 * s, 150 * s, 3)
    hx = length / 2 - 40 * s
    handle = board.stroke([(-length / 2, 0), (0, 0), (hx, 0)], [24 * s, 20 * s, 26 * s])
    heel = board.polygon([(hx - 6 * s, -18 * s), (hx + 26 * s, -20 * s), (hx + 28 * s, -2 * s), (hx, 12 * s)])
    gap = rng.uniform(8, 24) * s
    hook = board.stroke([(hx - 26 * s, 22 * s), (hx + 20 * s, 22 * s), (hx + 44 * s + gap, 20 * s), (hx + 40 * s + gap, -8 * s), (hx + 34 * s + gap, -20 * s)], [11 * s, 11 * s, 13 * s, 15 * s, 13 * s])
    nut = _spring(-9 * s, 9 * s, 0, 11 * s, 8).moved(shift=(hx - 12 * s, 20 * s, 0))
    web = board.stroke([(-length / 2 + 12 * s, 0), (hx - 24 * s, 0)], 10 * s)
    height = board.rounded(handle | heel, 20 * s, 4)
    height = np.where(web, height * rng.uniform(0.35, 0.6), height)
    metal = _pick(rng, "steel", "steel", "aluminium")
    return merge([board.lift(height, metal, 5), board.lift(board.rounded(hook, 14 * s, 3), "steel", 4), nut])


def socket_wrench(rng: Rng) -> Solid:
    """A ratchet handle with a socket: round head, knurled or sleeved grip."""
    length = rng.uniform(130, 260)
    board = Board(length + 80, 90, 4)
    r = rng.uniform(13, 19)
    x1 = length / 2
    body = board.disc(x1, 0, r) | board.stroke([(x1 - r, 0), (0, 0), (-length / 2, 0)], [r * 0.9, r * 0.6, r * 0.9])
    parts = [board.lift(board.rounded(body, 13, 4), "steel", 4)]
    sock = rng.uniform(9, 15)
    parts.append(prism([circle(sock, 24), circle(sock * 0.72, 6, hole=True)], 6, 6 + rng.uniform(22, 30), "steel").moved(shift=(x1, 0, 0)))
    if rng.random() < 0.6:
        grip = board.stroke([(-length / 2, 0), (-length * 0.05, 0)], r * 1.4)
        parts.append(board.lift(board.rounded(grip, r * 1.4, 5) - board.rounded(grip & body, 8, 2).clip(0), _pick(rng, "rubber", "pvc"), 3))
    return merge(parts)


# --- pliers and scissors: two arms on a pivot ----------------------------------------------------------------------------------------


def pliers(rng: Rng) -> Solid:
    """Combination, needle-nose, cutting, slip-joint or water-pump pliers: two forged arms, pivot, sleeved handles."""
    kind = _pick(rng, "combination", "needle", "cutter", "pump", "slip")
    length = {"combination": rng.uniform(150, 210), "needle": rng.uniform(130, 210), "cutter": rng.uniform(120, 180), "pump": rng.uniform(180, 270), "slip": rng.uniform(150, 200)}[kind]
    s = length / 180
    board = Board(length * 1.35 + 60, length * 1.1 + 40, 3.5)
    nose = {"combination": 42, "needle": rng.uniform(55, 85), "cutter": 24, "pump": 45, "slip": 45}[kind] * s
    open_by = rng.uniform(0.02, 0.5) * (0.8 if kind == "needle" else 1.0)
    handle_l, spread = length - nose, rng.uniform(16, 26) * s
    metal = _pick(rng, "steel", "steel", "stainless")
    sleeve = _pick(rng, "pvc", "rubber", "pvc", "nylon", "none")
    shank = rng.uniform(8, 11) * s
    bow = rng.uniform(-6, 8) * s
    thick = rng.uniform(8, 11) * s
    parts = []
    for side in (-1, 1):
        turn = side * open_by / 2
        # Jaw on one side of the axis, handle on the other: that is what makes it a lever.
        limb = [(-handle_l, -side * spread * rng.uniform(0.7, 1.0)), (-handle_l * 0.5, -side * (spread + bow)), (-14 * s, -side * 7 * s), (0, 0)]
        arm = board.stroke(turned(limb, turn), [shank * 0.9, shank, shank * 1.15, 17 * s])
        w = {"combination": 11, "needle": 7.5, "cutter": 12, "pump": 11, "slip": 11}[kind] * s
        if kind == "cutter":
            jaw_points = [(0, side * 1 * s), (4 * s, side * 14 * s), (nose * 0.75, side * 9 * s), (nose, side * 0.4), (0, side * 0.3)]
        elif kind == "pump":
            jaw_points = [(-6 * s, -side * 2 * s), (-4 * s, side * 12 * s), (nose * 0.6, side * 20 * s), (nose, side * 14 * s), (nose * 0.96, side * 3 * s), (nose * 0.5, side * 5 * s), (nose * 0.2, 0)]
        else:
            tip = w * (0.28 if kind == "needle" else 0.62)
            jaw_points = [(-3 * s, side * 0.3), (0, side * w * 1.15), (nose * 0.45, side * w * 0.95), (nose, side * tip), (nose, side * 0.3)]
        jaw = board.polygon(turned(jaw_points, turn))
        if kind in ("combination", "slip"):
            jaw &= ~board.oval(*turned([(nose * 0.52, 0)], turn)[0], 8 * s, 3.2 * s, turn)
        taper = np.linspace(1.0, 0.55 if kind == "needle" else 0.8, 2)
        head = board.rounded(arm | jaw, thick, 2.5 * s)
        x = (np.arange(board.shape[1]) - board.origin[0]) / board.per_mm
        head = head * np.interp(x, [0, nose], taper)[None]
        pivot_zone = board.disc(0, 0, 11 * s)
        # The two arms share the joint: each is cut to half its thickness there.
        lap = np.where(pivot_zone, np.minimum(head, thick * 0.5), head)
        parts.append(board.lift(lap * ~pivot_zone, metal, 4))
        parts.append(board.lift(lap * pivot_zone, metal, 2, z=side * thick * 0.25))
        if sleeve != "none":
            cover_points = turned([(-handle_l - 2 * s, limb[0][1]), (-handle_l * 0.5, limb[1][1]), (-handle_l * 0.28, -side * (spread * 0.75 + bow * 0.5))], turn)
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
    plastic = _pick(rng, "abs", "nylon", "pvc")
    thick = rng.uniform(1.4, 2.6) * max(s, 0.7)
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
        blade_points = [(-10 * s, -side * wide * 0.35), (-4 * s, side * wide * 0.6), (reach * 0.3, side * wide * 0.62), (reach * 0.85, side * wide * 0.38), (reach, tip_y), (reach * 0.98, -side * 0.5), (0, -side * wide * 0.22)]
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
            tang = board.stroke(turned([(0, 0), (-back * 0.35, -side * 6 * s), (-back * 0.55, ly * 0.7)], turn), [wide * 0.8, wide * 0.5, 4 * s])
            parts.append(board.plate(tang & ~blade & ~inner, z - thick / 2, z + thick / 2, "stainless"))
            ring = (board.oval(cx, cy, rx + 2 * s, ry + 2.5 * s, lean) | board.stroke(turned([(-back * 0.22, -side * 5 * s), (lx + rx * 0.8, ly)], turn), [9 * s, 13 * s])) & ~inner
            parts.append(board.lift(board.rounded(ring, rng.uniform(8, 11) * s, 4 * s), plastic, 3, z))
        parts.append(board.lift(board.blade(blade, thick, wide * rng.uniform(0.2, 0.4)), "stainless", 3, z))
    parts.append(prism([circle(rng.uniform(3, 4.5) * s, 18)], -thick - 1, thick + 1, _pick(rng, "steel", "brass", "steel")))
    return merge(parts)


MODELS: dict[str, tuple[tuple[Callable[[Rng], Solid], float], ...]] = {
    "gun": ((pistol, 0.6), (revolver, 0.28), (outline_gun, 0.12)),
    "knife": ((kitchen_knife, 0.45), (dagger, 0.2), (folding_knife, 0.22), (box_cutter, 0.13)),
    "wrench": ((spanner, 0.5), (adjustable, 0.28), (pipe_wrench, 0.1), (socket_wrench, 0.12)),
    "pliers": ((pliers, 1.0),),
    "scissors": ((scissors, 1.0),),
}


def threat(label: str, rng: Rng) -> tuple[Solid, str]:
    """A new model of one of the five classes, centred, and its source name (e.g. "shape:pistol")."""
    makers = MODELS[label]
    weights = np.array([weight for _, weight in makers])
    maker = makers[int(rng.choice(len(makers), p=weights / weights.sum()))][0]
    return maker(rng).centred(), f"shape:{maker.__name__}"
