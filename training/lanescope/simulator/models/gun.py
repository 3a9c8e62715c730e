"""Guns: pistols and revolvers with their inside. Millimetres; each call a new model."""

from __future__ import annotations

import math

from ..sketch import Board, Rng, pick
from ..solid import X_AXIS, Solid, circle, merge, prism, revolve
from .common import spring, tube


def pistol(rng: Rng) -> Solid:
    """A self-loading pistol: hollow slide, barrel, recoil spring, frame, trigger, magazine with cartridges."""
    board = Board(280, 220, 4)
    length, slide_h, wide = rng.uniform(150, 210), rng.uniform(22, 29), rng.uniform(22, 30)
    rake, grip_l, grip_w = rng.uniform(0.12, 0.35), rng.uniform(80, 110), rng.uniform(40, 52)
    x0, x1, top = -length * 0.42, length * 0.58, 40.0  # muzzle at x1
    bottom = top - slide_h
    polymer = rng.random() < 0.45
    slide = board.polygon(
        [(x0, bottom), (x0 + rng.uniform(0, 6), top), (x1 - rng.uniform(0, 8), top), (x1, top - rng.uniform(4, 10)), (x1, bottom)]
    )
    port = board.bar(x0 + length * 0.45, x0 + length * 0.62, top - 9, top + 1)
    wall = rng.uniform(4.0, 7.0)
    half = wide / 2
    parts = [
        board.plate(slide & ~port, half - wall, half, "steel"),
        board.plate(slide, -half, -half + wall, "steel"),
        board.plate(slide & board.bar(x0, x1, top - 5, top + 1) & ~port, -half + wall, half - wall, "steel"),
        board.plate(slide & board.bar(x0, x0 + length * 0.3, bottom + 4, top), -half + wall, half - wall, "steel"),
        board.plate(
            slide & board.bar(x1 - 6, x1, bottom, top) & ~board.disc(x1 - 3, top - slide_h * 0.42, 4.0), -half + wall, half - wall, "steel"
        ),
        tube(x0 + length * 0.34, x1 + rng.uniform(-2, 3), top - slide_h * 0.42, rng.uniform(13, 16), rng.uniform(5.6, 11.4), "steel"),
        spring(x0 + length * 0.5, x1 - 8, bottom + 4, 4.2, 22),
    ]
    for sight in (x0 + 8, x1 - 12):
        parts.append(board.plate(board.bar(sight - 3, sight + 3, top, top + 4), -3, 3, "steel"))
    gx, gy = x0 + length * rng.uniform(0.10, 0.18), bottom
    dx = -grip_l * math.sin(rake)
    grip = board.polygon(
        [(gx - 6, gy), (gx + grip_w, gy), (gx + grip_w + dx, gy - grip_l), (gx + dx, gy - grip_l), (gx - 3 + dx * 0.4, gy - grip_l * 0.4)]
    )
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
        metal = pick(rng, "steel", "aluminium", "aluminium", "zinc")
        parts.append(board.plate(frame, gh - 5, gh - 1, metal))
        parts.append(board.plate(frame, -gh + 1, -gh + 5, metal))
        rim = frame & ~board.polygon([(gx, gy), (gx + grip_w - 6, gy), (gx + grip_w - 6 + dx, gy - grip_l), (gx + 6 + dx, gy - grip_l)])
        parts.append(board.plate(rim, -gh + 5, gh - 5, metal))
        panel = pick(rng, "wood", "abs", "rubber")
        for side in (-1, 1):
            parts.append(board.lift(board.rounded(grip, 6, 3), panel, 2, z=side * (gh + 2)))
    parts.append(board.plate(trigger, -4, 4, "steel"))
    hammer = board.stroke([(x0 + 2, bottom + 2), (x0 - 6, bottom + 12), (x0 - 8, bottom + 16)], [10, 8, 5])
    if rng.random() < 0.6:
        parts.append(board.plate(hammer, -5, 5, "steel"))
    if rng.random() < 0.7:
        mx, mw = gx + 6, grip_w - 12
        magazine = board.polygon([(mx, gy), (mx + mw, gy), (mx + mw + dx * 1.03, gy - grip_l - 4), (mx + dx * 1.03, gy - grip_l - 4)])
        base = board.polygon(
            [
                (mx - 5 + dx, gy - grip_l),
                (mx + mw + 5 + dx, gy - grip_l),
                (mx + mw + 5 + dx, gy - grip_l - 8),
                (mx - 5 + dx, gy - grip_l - 8),
            ]
        )
        parts += [
            board.plate(magazine, 9, 10.2, "steel"),
            board.plate(magazine, -10.2, -9, "steel"),
            board.plate(base, -12, 12, pick(rng, "abs", "aluminium")),
        ]
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
    metal = pick(rng, "steel", "stainless", "steel", "zinc")
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
        tube(cyl_l / 2 + 1, cyl_l / 2 + barrel, y, rng.uniform(15, 19), 9.2, metal),
        board.plate(board.bar(cyl_l / 2 + 4, cyl_l / 2 + barrel - rng.uniform(2, 8), y + 7, y + 11), -3, 3, metal),
        board.plate(
            board.polygon([(cyl_l / 2 + barrel - 14, y + 10), (cyl_l / 2 + barrel - 2, y + 10), (cyl_l / 2 + barrel - 4, y + 18)]),
            -1.5,
            1.5,
            metal,
        ),
    ]
    if rng.random() < 0.7:
        parts.append(tube(cyl_l / 2 + 1, cyl_l / 2 + barrel * rng.uniform(0.6, 0.95), cy, rng.uniform(9, 13), 0, metal))
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
    parts.append(board.lift(board.rounded(grip, thick, 10), pick(rng, "wood", "rubber", "abs"), 4))
    return merge(parts)


def outline_gun(rng: Rng) -> Solid:
    """A compact pistol of plain metal plates over an outline (toy-like castings, pocket pistols)."""
    board = Board(240, 180, 4)
    length, h = rng.uniform(110, 160), rng.uniform(18, 26)
    x0, x1 = -length / 2, length / 2
    body = board.bar(x0, x1, 20 - h, 20, 3)
    rake = rng.uniform(0.1, 0.4)
    gl, gw = rng.uniform(55, 85), rng.uniform(30, 42)
    grip = board.polygon(
        [
            (x0 + 4, 20 - h),
            (x0 + 4 + gw, 20 - h),
            (x0 + 4 + gw - gl * math.sin(rake), 20 - h - gl),
            (x0 + 2 - gl * math.sin(rake), 20 - h - gl),
        ]
    )
    guard = board.oval(x0 + gw + 18, 20 - h - 10, 22, 16) & ~board.oval(x0 + gw + 18, 20 - h - 10, 17, 12)
    metal = pick(rng, "steel", "zinc", "aluminium", "steel")
    wide = rng.uniform(18, 24) / 2
    parts = [board.plate(body | grip, w, w + rng.uniform(3, 5), metal) for w in (-wide, wide - 5)]
    parts += [board.plate(guard, -4, 4, metal), tube(x0 + length * 0.3, x1, 20 - h * 0.45, 12, rng.uniform(5.6, 9), "steel")]
    parts.append(board.plate(body & board.bar(x0, x0 + length * 0.4, 0, 22), -wide + 5, wide - 5, metal))
    parts.append(board.plate(board.stroke([(x0 + gw + 12, 20 - h), (x0 + gw + 10, 8 - h), (x0 + gw + 14, 2 - h)], [7, 5, 4]), -3, 3, metal))
    parts.append(board.plate(grip & board.bar(x0 - 60, x0 + 40, -90, 20 - h - 6), -wide + 4, -wide + 5.2, "steel"))
    return merge(parts)
