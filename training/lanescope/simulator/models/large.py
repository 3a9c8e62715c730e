"""Larger harmless things: laptop, phone, charger, bottles, shoes, umbrella, books, toiletries, food. Millimetres; each call a new model."""

from __future__ import annotations

import math

import numpy as np

from ..sketch import Board, Rng, pick
from ..solid import X_AXIS, Solid, about, box, circle, merge, prism, revolve

Z = np.array([0, 0, 1.0])


def _electronics(rng: Rng, w: float, h: float, chips: int) -> list[Solid]:
    """A populated circuit board w x h mm about the origin: board, chips, cans, capacitors, connectors."""
    parts = [box(-w / 2, w / 2, -h / 2, h / 2, -0.6, 0.6, "board")]
    for _ in range(chips):
        cw, ch = np.exp(rng.normal(1.5, 0.6, 2)).clip(1.5, 0.4 * min(w, h))
        x, y = rng.uniform(-w / 2 + cw / 2, w / 2 - cw / 2), rng.uniform(-h / 2 + ch / 2, h / 2 - ch / 2)
        kind = rng.random()
        material, tall = (
            ("chip", 1.4) if kind < 0.6 else ("copper", 0.5) if kind < 0.75 else ("steel", 0.5) if kind < 0.9 else ("aluminium", 6.0)
        )
        parts.append(box(x - cw / 2, x + cw / 2, y - ch / 2, y + ch / 2, 0.6, 0.6 + tall, material))
    return parts


def laptop(rng: Rng) -> Solid:
    """A laptop: display, skins, keyboard, battery cells, main board, heat pipe and fan, drive, hinges, screws."""
    w, d = rng.uniform(280, 370), rng.uniform(195, 250)
    skin = pick(rng, "abs", "aluminium", "abs")
    wall = 1.8 if skin == "abs" else 0.8
    parts = [box(-w / 2, w / 2, -d / 2, d / 2, z, z + wall, skin) for z in (0, 12, 22)]
    parts.append(box(-w / 2 + 8, w / 2 - 8, -d / 2 + 8, d / 2 - 8, 18, 20.2, "glass" if rng.random() < 0.5 else "pet"))
    rim = [
        np.array([[-w / 2, -d / 2], [w / 2, -d / 2], [w / 2, d / 2], [-w / 2, d / 2]]),
        np.array([[-w / 2 + 2, -d / 2 + 2], [-w / 2 + 2, d / 2 - 2], [w / 2 - 2, d / 2 - 2], [w / 2 - 2, -d / 2 + 2]]),
    ]
    parts.append(prism(rim, 0, 20, skin))
    cells = int(rng.integers(3, 7))
    cell_w = (w - 40) / cells
    if rng.random() < 0.5:  # cylindrical cells along the hinge, as in older machines
        for i in range(cells):
            can = revolve([(0, 0), (9, 0.01), (9, cell_w - 4), (0, cell_w - 3.9)], "cell", 16)
            parts.append(can.moved(X_AXIS, (-w / 2 + 22 + i * cell_w, d / 2 - 14, 8)))
            parts.append(can.moved(X_AXIS, (-w / 2 + 22 + i * cell_w, d / 2 - 33, 8)))
        board_y = -d * 0.02
    else:
        for i in range(cells):
            x = -w / 2 + 20 + i * cell_w
            parts.append(box(x + 2, x + cell_w - 2, -d / 2 + 10, -d / 2 + d * 0.36, 4, 9.5, "cell"))
        board_y = d * 0.2
    for _ in range(2):
        bw, bh = rng.uniform(0.35, 0.55) * w, rng.uniform(0.25, 0.38) * d
        x = rng.uniform(-w / 2 + bw / 2 + 8, w / 2 - bw / 2 - 8)
        parts += [p.moved(shift=(x, board_y + rng.normal(0, 8), 4)) for p in _electronics(rng, bw, bh, 45)]
    fx = float(rng.choice([-1, 1])) * w * 0.3
    parts.append(prism([circle(27, 28), circle(24, 28, hole=True)], 3, 11, "abs").moved(shift=(fx, board_y, 0)))
    parts.append(prism([circle(9, 18)], 3, 11, "copper").moved(shift=(fx, board_y, 0)))
    parts.append(box(min(fx, 0), max(fx, 0), board_y + 26, board_y + 32, 5, 7, "copper"))
    if rng.random() < 0.6:
        x = -fx
        parts += [
            box(x - 35, x + 35, -d * 0.3, -d * 0.3 + 95, 3, 4, "aluminium"),
            prism([circle(32, 32), circle(9, 16, hole=True)], 5, 6.2, "aluminium").moved(shift=(x, -d * 0.3 + 38, 0)),
        ]
    for x in (-w * 0.36, w * 0.36):
        parts.append(box(x - 16, x + 16, d / 2 - 12, d / 2 - 2, 10, 13, "steel"))
    for x in np.linspace(-w / 2 + 7, w / 2 - 7, 5):
        for y in (-d / 2 + 7, d / 2 - 7, 0):
            if y or abs(x) > w * 0.4:
                parts.append(prism([circle(2, 8, (x, y))], 2, 9, "steel"))
    for i in range(int(rng.integers(4, 8))):
        y = -d * 0.3 + i * 22
        parts.append(box(w / 2 - 16, w / 2 - 2, y, y + rng.uniform(6, 14), 5, 5.6, "steel"))
    for row in range(5):
        for k in range(13):
            x, y = -w * 0.42 + k * w * 0.068, d * 0.02 + row * 17
            parts.append(box(x, x + w * 0.058, y, y + 14, 12, 13.2, "abs"))
    return merge(parts)


def phone(rng: Rng) -> Solid:
    """A phone: glass, frame, cell, boards, camera."""
    w, h = rng.uniform(58, 80), rng.uniform(115, 168)
    frame = [
        np.array([[-w / 2, -h / 2], [w / 2, -h / 2], [w / 2, h / 2], [-w / 2, h / 2]]),
        np.array([[-w / 2 + 2, -h / 2 + 2], [-w / 2 + 2, h / 2 - 2], [w / 2 - 2, h / 2 - 2], [w / 2 - 2, -h / 2 + 2]]),
    ]
    parts = [
        box(-w / 2, w / 2, -h / 2, h / 2, 0, 1.0, "glass"),
        prism(frame, 0, 8, pick(rng, "aluminium", "stainless", "abs")),
        box(-w / 2, w / 2, -h / 2, h / 2, 7, 8, pick(rng, "abs", "glass")),
    ]
    parts.append(box(-w * 0.34, w * 0.28, -h * 0.32, h * 0.2, 2, 6, "cell"))
    parts += [p.moved(shift=(0, h * 0.36, 2)) for p in _electronics(rng, w * 0.86, h * 0.2, 22)]
    parts += [p.moved(shift=(0, -h * 0.42, 2)) for p in _electronics(rng, w * 0.8, h * 0.09, 9)]
    parts.append(prism([circle(5, 16, (w * 0.3, h * 0.4))], 2, 8, "steel"))
    return merge(parts)


def charger(rng: Rng) -> Solid:
    """A mains adaptor: plastic case, transformer, board, prongs."""
    w, h, t = rng.uniform(35, 65), rng.uniform(45, 120), rng.uniform(24, 34)
    parts = [box(-w / 2, w / 2, -h / 2, h / 2, z, z + 2.4, "abs") for z in (-t / 2, t / 2 - 2.4)]
    parts += _electronics(rng, w - 6, h - 6, 24)
    core = rng.uniform(14, 26)
    y = rng.uniform(-h / 4, h / 4)
    parts += [
        box(-core / 2, core / 2, y - core / 2, y + core / 2, 1, 1 + core * 0.35, "steel"),
        box(-core * 0.3, core * 0.3, y - core * 0.6, y + core * 0.6, 1, 1 + core * 0.4, "copper"),
    ]
    for x in (-6.0, 6.0):
        parts.append(box(x - 3, x + 3, h / 2, h / 2 + 17, -0.8, 0.8, "brass"))
    for _ in range(3):
        r = rng.uniform(3, 7)
        can = revolve([(0, 0), (r, 0.01), (r, r * 2.4), (0, r * 2.41)], "aluminium", 12)
        parts.append(can.moved(X_AXIS, (rng.uniform(-w / 3, 0), rng.uniform(-h / 2.6, h / 2.6), 4)))
    return merge(parts)


def bottle(rng: Rng) -> Solid:
    """A drinks bottle, flask, spray or glass bottle, with some liquid in it."""
    kind = pick(rng, "pet", "pet", "glass", "flask", "aerosol", "shampoo")
    if kind == "flask":
        h, r = rng.uniform(180, 270), rng.uniform(32, 40)
        parts = [
            revolve([(0, 0), (r, 0.1), (r, h), (r - 0.4, h), (r - 0.4, 0.4), (0, 0.4)], "stainless", 28),
            revolve([(0, 6), (r - 5, 6), (r - 5, h), (r - 5.4, h), (r - 5.4, 6.4), (0, 6.4)], "stainless", 28),
        ]
        parts.append(revolve([(0, 7), (r - 6, 7), (r - 6, h * rng.uniform(0.2, 0.8)), (0, h * 0.5)], "water", 24))
        parts.append(revolve([(0, h), (r, h), (r * 0.9, h + 30), (0, h + 31)], "abs", 24))
        return merge(parts)
    if kind == "aerosol":
        h, r = rng.uniform(110, 190), rng.uniform(17, 28)
        shell = "steel" if rng.random() < 0.5 else "aluminium"
        wall = 0.25 if shell == "steel" else 0.5
        parts = [
            revolve(
                [(0, 0), (r, 0.1), (r, h), (r * 0.5, h + 12), (r * 0.5 - wall, h + 12), (r - wall, h - 0.5), (r - wall, wall), (0, wall)],
                shell,
                28,
            )
        ]
        parts += [
            revolve([(0, 1), (r - 1, 1), (r - 1, h * rng.uniform(0.3, 0.8)), (0, h * 0.55)], "water", 24),
            revolve([(0, h + 8), (r * 0.7, h + 8), (r * 0.7, h + 30), (0, h + 31)], "abs", 20),
        ]
        parts.append(revolve([(0, h), (4, h), (4, h + 14), (0, h + 14.1)], "steel", 10))
        return merge(parts)
    h, r = (rng.uniform(170, 260), rng.uniform(28, 42)) if kind != "shampoo" else (rng.uniform(90, 190), rng.uniform(18, 34))
    wall = {"pet": 0.5, "glass": 3.2, "shampoo": 1.2}[kind]
    neck = rng.uniform(11, 15)
    shoulder = h * rng.uniform(0.62, 0.78)
    waist = rng.uniform(0.86, 1.0)
    outer = [(r * 0.9, 0.0), (r, 6), (r, h * 0.25), (r * waist, h * 0.42), (r, h * 0.55), (r, shoulder), (neck, h * 0.93), (neck, h)]
    inner = [(max(x - wall, 1), max(z, wall)) for x, z in outer[::-1]]
    body = revolve(
        [(0, 0), *outer, *inner, (0, wall)],
        {"pet": "pet", "glass": "glass", "shampoo": "polythene"}[kind],
        28,
        1.0 if kind != "shampoo" else rng.uniform(0.55, 1),
    )
    fill = rng.uniform(0.25, 1.0) * shoulder
    liquid = revolve(
        [
            (0, wall),
            (r * 0.9 - wall, wall),
            (r - wall, 7),
            (r * waist - wall, min(h * 0.42, fill * 0.8)),
            (r - wall, fill),
            (0, fill + 0.1),
        ],
        "water" if kind != "shampoo" else "soap",
        28,
    )
    cap = revolve(
        [(neck, h - 14), (neck + 2, h - 14), (neck + 2, h + 2), (0, h + 2), (0, h), (neck, h)],
        "polythene" if kind != "glass" else "aluminium",
        24,
    )
    return merge([body, liquid, cap])


def drink_can(rng: Rng) -> Solid:
    """A can of drink or food."""
    r, h = rng.uniform(26, 42), rng.uniform(60, 125)
    steel = rng.random() < 0.35
    wall = 0.2 if steel else 0.12
    shell = revolve(
        [
            (0, 3),
            (r * 0.85, 0),
            (r, 6),
            (r, h - 6),
            (r * 0.85, h),
            (0, h - 3),
            (0, h - 3.4),
            (r * 0.85 - 0.4, h - 0.6),
            (r - wall, h - 6),
            (r - wall, 6),
            (r * 0.85 - 0.4, 0.6),
            (0, 3.4),
        ],
        "steel" if steel else "aluminium",
        30,
    )
    return merge([shell, revolve([(0, 3.5), (r - 0.6, 6), (r - 0.6, h * 0.93), (0, h * 0.94)], "water" if not steel else "sugar", 24)])


def shoe(rng: Rng) -> Solid:
    """A shoe: treaded sole, heel, upper, eyelets, sometimes a steel shank."""
    length, wide = rng.uniform(230, 305), rng.uniform(82, 105)
    board = Board(length + 40, wide + 60, 2.5)
    k = wide / 2
    foot = board.smooth(
        [
            (-length * 0.48, 0),
            (-length * 0.42, k * 0.62),
            (-length * 0.2, k * 0.66),
            (0, k * 0.62),
            (length * 0.22, k * 0.95),
            (length * 0.42, k * 0.75),
            (length * 0.5, k * 0.1),
            (length * 0.4, -k * 0.7),
            (length * 0.15, -k * 0.85),
            (-length * 0.1, -k * 0.55),
            (-length * 0.3, -k * 0.66),
            (-length * 0.44, -k * 0.55),
        ]
    )
    tread = foot.copy()
    pitch = rng.uniform(7, 14)
    x = (np.arange(board.shape[1])[None] - board.origin[0]) / board.per_mm
    y = (np.arange(board.shape[0])[:, None] - board.origin[1]) / board.per_mm
    tread &= ((x + rng.uniform(-0.6, 0.6) * np.abs(y)) % pitch) > pitch * 0.35
    sole = pick(rng, "rubber", "rubber", "nylon")
    sole_t = rng.uniform(6, 16)
    heel = foot & board.bar(-length, -length * 0.2, -80, 80)
    import cv2

    inside = cv2.erode(foot.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(int(2.2 * board.per_mm / 1.0), 1)) > 0
    parts = [board.plate(foot, 0, sole_t, sole), board.plate(tread, -4, 0, sole), board.plate(heel, -rng.uniform(5, 22), 0, sole)]
    upper = foot & ~inside
    stuff = pick(rng, "leather", "leather", "cellulose")
    parts.append(board.plate(upper, sole_t, sole_t + rng.uniform(45, 75), stuff))
    toe = foot & board.bar(-length * 0.05, length, -80, 80)
    parts.append(board.plate(toe, sole_t + 40, sole_t + 43, stuff))
    if rng.random() < 0.7:
        for i in range(int(rng.integers(4, 7))):
            for side in (-1, 1):
                cx, cy = length * (0.12 - i * 0.05), side * k * 0.28
                parts.append(
                    prism(
                        [circle(4, 14, (cx, cy)), circle(2.4, 14, (cx, cy), hole=True)],
                        sole_t + 44,
                        sole_t + 46,
                        pick(rng, "brass", "steel"),
                    )
                )
    if rng.random() < 0.4:
        parts.append(board.plate(board.bar(-length * 0.28, length * 0.08, -7, 7, 6), sole_t, sole_t + 1.2, "steel"))
    if rng.random() < 0.3:
        for _ in range(9):
            parts.append(
                prism([circle(1.2, 8, (rng.uniform(-length * 0.44, -length * 0.25), rng.uniform(-k * 0.5, k * 0.5)))], -4, 10, "steel")
            )
    return merge(parts)


def umbrella(rng: Rng) -> Solid:
    """A folded umbrella: telescopic shaft, eight ribs with hinges, cloth, handle."""
    length = rng.uniform(200, 300)
    parts = [
        prism([circle(5, 16), circle(4.2, 16, hole=True)], 0, length, "steel"),
        prism([circle(3.6, 16), circle(2.8, 16, hole=True)], 10, length, "steel"),
    ]
    grip = rng.uniform(14, 19)
    parts.append(revolve([(0, -60), (grip * 0.8, -58), (grip, -30), (grip * 0.7, 0), (0, 1)], pick(rng, "abs", "wood", "rubber"), 18))
    parts.append(revolve([(0, 2), (grip * 1.4, 4), (grip * 1.6, length * 0.6), (grip, length), (0, length + 2)], "cloth", 18))
    for i in range(8):
        a = i * math.pi / 4 + rng.normal(0, 0.12)
        for j, (r0, z0, z1) in enumerate(((9, 20, length - 6), (13, 40, length * 0.62), (17, 30, length * 0.55))):
            rod = box(-0.5, 0.5, -0.5, 0.5, z0, z1, "steel")
            r = r0 + rng.normal(0, 1.5)
            lean = about(np.array([math.sin(a), -math.cos(a), 0.0]), rng.normal(0, 0.012))
            parts.append(rod.moved(lean, (r * math.cos(a), r * math.sin(a), 0)))
            if j < 2:
                parts.append(box(-1, 1, -1, 1, -3, 3, "steel").moved(None, (r * math.cos(a), r * math.sin(a), z1)))
    parts.append(revolve([(0, length - 4), (9, length - 4), (9, length + 8), (0, length + 14)], pick(rng, "steel", "abs"), 16))
    return merge(parts).moved(X_AXIS)


def book(rng: Rng) -> Solid:
    """A book, notebook (with a wire spiral) or a stack of papers."""
    w, h, t = rng.uniform(100, 210), rng.uniform(140, 280), rng.uniform(6, 40)
    parts = [box(-w / 2, w / 2, -h / 2, h / 2, -t / 2, t / 2, "paper")]
    if rng.random() < 0.35:
        for y in np.arange(-h / 2 + 6, h / 2 - 4, 8.5):
            parts.append(
                prism([circle(t / 2 + 3, 16), circle(t / 2 + 2, 16, hole=True)], y, y + 1.1, "steel").moved(
                    about(np.array([1.0, 0, 0]), -math.pi / 2), (-w / 2, 0, 0)
                )
            )
    elif rng.random() < 0.5:
        parts += [box(-w / 2 - 3, w / 2 + 3, -h / 2 - 3, h / 2 + 3, z, z + 2.5, "cellulose") for z in (-t / 2 - 2.5, t / 2)]
    return merge(parts)


def tube(rng: Rng) -> Solid:
    """A tube of toothpaste or cream."""
    length, wide = rng.uniform(80, 170), rng.uniform(28, 52)
    board = Board(220, 80, 3)
    body = board.polygon([(-length / 2, -wide / 2), (-length / 2, wide / 2), (length / 2, wide * 0.36), (length / 2, -wide * 0.36)])
    height = board.rounded(body, wide * 0.6, wide * 0.45)
    x = (np.arange(board.shape[1]) - board.origin[0]) / board.per_mm
    height *= np.interp(x, [-length / 2, length / 2], [0.25, 1.0])[None]
    cap = revolve([(0, 0), (wide * 0.3, 0.1), (wide * 0.26, 18), (0, 18.1)], "polythene", 18).moved(X_AXIS, (length / 2, 0, 0))
    return merge([board.lift(height, "soap", 6), cap])


def parcel(rng: Rng) -> Solid:
    """A carton of food, sweets, pills or tea: box with things in rows."""
    w, h, t = rng.uniform(60, 200), rng.uniform(50, 150), rng.uniform(20, 60)
    parts = [box(-w / 2, w / 2, -h / 2, h / 2, z, z + 0.6, "cellulose") for z in (-t / 2, t / 2 - 0.6)]
    nx, ny = int(rng.integers(2, 9)), int(rng.integers(1, 6))
    stuff = pick(rng, "sugar", "sugar", "water", "cellulose", "soap", "salt")
    for i in range(nx):
        for j in range(ny):
            cw, ch = w / nx * rng.uniform(0.6, 0.95) / 2, h / ny * rng.uniform(0.6, 0.95) / 2
            x, y = -w / 2 + (i + 0.5) * w / nx, -h / 2 + (j + 0.5) * h / ny
            if rng.random() < 0.9:
                loop = circle(1.0, 14) * [cw, ch] + [x, y]
                parts.append(prism([loop], -t * 0.35, t * rng.uniform(-0.1, 0.35), stuff))
    return merge(parts)


def fruit(rng: Rng) -> Solid:
    """A few apples, oranges or a melon-sized thing."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        r = rng.uniform(26, 42)
        profile = [(r * math.sin(a), -r * math.cos(a)) for a in np.linspace(0, math.pi, 11)]
        profile[0], profile[-1] = (0.0, profile[0][1]), (0.0, profile[-1][1])
        parts.append(
            revolve(profile, pick(rng, "water", "sugar"), 22, rng.uniform(0.85, 1)).moved(None, (rng.normal(0, 55), rng.normal(0, 45), 0))
        )
    return merge(parts)


def hair_dryer(rng: Rng) -> Solid:
    """A hair dryer: plastic body, motor, heating coil, fan, cable stub."""
    length, r = rng.uniform(130, 190), rng.uniform(26, 36)
    body = revolve(
        [
            (r * 0.9, 0),
            (r, 10),
            (r, length * 0.5),
            (r * 0.7, length),
            (r * 0.7 - 2, length),
            (r - 2, length * 0.5),
            (r - 2, 10),
            (r * 0.9 - 2, 0),
        ],
        "abs",
        24,
    )
    motor = revolve([(0, length * 0.3), (13, length * 0.3), (13, length * 0.3 + 30), (0, length * 0.3 + 30.1)], "steel", 18)
    winding = revolve([(9, length * 0.28), (12, length * 0.28), (12, length * 0.3 + 34), (9, length * 0.3 + 34)], "copper", 18)
    coils = [
        prism([circle(r * 0.55, 20), circle(r * 0.55 - 1, 20, hole=True)], z, z + 1, "steel")
        for z in np.arange(length * 0.58, length * 0.9, 5)
    ]
    handle = revolve([(r * 0.45, 0), (r * 0.5, 90), (r * 0.4, 125), (r * 0.4 - 2, 125), (r * 0.5 - 2, 90), (r * 0.45 - 2, 0)], "abs", 16)
    switch = box(-6, 6, -8, 8, 30, 55, "copper")
    down = about(np.array([1.0, 0, 0]), math.pi / 2 + rng.normal(0, 0.15))
    return merge([body, motor, winding, *coils, merge([handle, switch]).moved(down, (0, -r * 0.8, length * 0.35))]).moved(X_AXIS)


def camera(rng: Rng) -> Solid:
    """A camera: body, lens glass and rings, board, cell."""
    w, h = rng.uniform(95, 140), rng.uniform(60, 95)
    parts = [box(-w / 2, w / 2, -h / 2, h / 2, z, z + 1.6, "abs") for z in (0, 40)]
    parts += [p.moved(shift=(0, 0, 8)) for p in _electronics(rng, w * 0.85, h * 0.8, 30)]
    parts.append(box(w * 0.28, w * 0.46, -h * 0.4, h * 0.3, 6, 34, "cell"))
    lens = [revolve([(0, z), (r, z), (r * 0.9, z + 5), (0, z + 7)], "glass", 24) for z, r in ((42, 22), (56, 20), (72, 24))]
    rings = [prism([circle(28, 30), circle(25, 30, hole=True)], z, z + 9, pick(rng, "aluminium", "brass", "abs")) for z in (42, 58, 74)]
    return merge([*parts, merge(lens + rings).moved(shift=(-w * 0.06, 0, 0))])


def glasses(rng: Rng) -> Solid:
    """Spectacles, folded, sometimes in a case."""
    board = Board(180, 80, 4)
    parts = []
    frame = board.blank() > 0
    rx, ry = rng.uniform(22, 28), rng.uniform(15, 22)
    for side in (-1, 1):
        lens = board.oval(side * 34, 0, rx, ry)
        frame |= board.oval(side * 34, 0, rx + 2, ry + 2) & ~lens
        parts.append(board.plate(lens, -1, 1, pick(rng, "glass", "acetal")))
    frame |= board.bar(-12, 12, -1.5, 1.5)
    metal = pick(rng, "steel", "copper", "acetal")
    parts.append(board.plate(frame, -1.5, 1.5, metal))
    for side in (-1, 1):
        parts.append(
            board.plate(
                board.stroke([(side * 62, 2), (side * -20, -4 - side * 3), (side * -62, -18)], 3), side * 4 - 1, side * 4 + 1, metal
            )
        )
        parts.append(prism([circle(1.6, 8, (side * 61, 2))], -3, 6, "steel"))
    return merge(parts)
