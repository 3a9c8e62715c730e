"""Small harmless things found in bags, as parametric solids: the distractors. Millimetres; each call a new model."""

from __future__ import annotations

import math

import numpy as np

from ..sketch import Board, Rng, pick
from ..solid import X_AXIS, Solid, about, box, circle, merge, prism, revolve, rotation

Z = np.array([0, 0, 1.0])


def coins(rng: Rng) -> Solid:
    """One coin or a loose handful."""
    parts = []
    for _ in range(int(rng.choice([1, 1, 2, 3, 5, 8]))):
        radius, thick = rng.uniform(8, 14), rng.uniform(1.2, 2.4)
        coin = prism([circle(radius, 28)], -thick / 2, thick / 2, pick(rng, "nickel", "brass", "copper", "steel", "aluminium"))
        parts.append(coin.moved(rotation(rng, 0.6), (*rng.normal(0, 14, 2), rng.normal(0, 4))))
    return merge(parts)


def keys(rng: Rng) -> Solid:
    """One to five keys on a ring, sometimes with a fob."""
    parts = []
    for _ in range(int(rng.integers(1, 6))):
        board = Board(90, 50, 5)
        r, length, wide = rng.uniform(9, 13), rng.uniform(24, 34), rng.uniform(6, 9)
        bow = board.disc(-r + 2, 0, r) if rng.random() < 0.6 else board.bar(-2 * r + 3, 2, -r * 0.9, r * 0.9, 4)
        shaft = board.bar(0, length, -wide / 2, wide / 2)
        for i in range(5):
            depth = rng.uniform(0.5, 3)
            shaft &= ~board.polygon([(5 + i * 4.6, -wide), (7 + i * 4.6, -wide / 2 + depth), (9 + i * 4.6, -wide)])
        shape = (bow | shaft) & ~board.disc(-2 * r + 6, 0, 3)
        key = board.plate(shape, -1.1, 1.1, pick(rng, "brass", "nickel", "steel"))
        if rng.random() < 0.25:
            key = merge([key, board.lift(board.rounded(board.disc(-r + 2, 0, r + 4), 9, 4), "abs", 2)])
        key = key.moved(shift=(2 * r - 6, 0, 0))
        parts.append(key.moved(about(Z, rng.uniform(0, 2 * math.pi)) @ rotation(rng, 0.3), (14, 0, 0)))
    parts.append(prism([circle(15, 28, (8, 0)), circle(13.4, 28, (8, 0), hole=True)], -0.9, 0.9, "steel").moved(rotation(rng, 0.4)))
    return merge(parts)


def screwdriver(rng: Rng) -> Solid:
    """A screwdriver: steel shaft, ribbed plastic handle."""
    shaft, handle = rng.uniform(50, 160), rng.uniform(60, 115)
    r, g = rng.uniform(2, 4), rng.uniform(9, 17)
    blade = [(0, -handle * 0.7), (r, -handle * 0.7 + 0.01), (r, shaft - 8), (r * rng.choice([0.4, 1.2]), shaft - 2), (0, shaft)]
    grip = [(0, -handle), (g * 0.8, -handle + 2), (g, -handle * 0.7), (g * 0.85, -handle * 0.3), (g * 0.6, -8), (g * 0.7, -2), (0, 0)]
    return merge([revolve(blade, "steel", 14), revolve(grip, pick(rng, "abs", "pvc", "acetal", "wood"), 12)]).moved(X_AXIS)


def buckle(rng: Rng) -> Solid:
    """A belt buckle, alone or with its leather belt coiled up."""
    board = Board(90, 80, 4)
    w, h, rim = rng.uniform(28, 55), rng.uniform(28, 48), rng.uniform(4, 8)
    frame = board.bar(-w / 2, w / 2, -h / 2, h / 2, rng.uniform(2, 14)) & ~board.bar(
        -w / 2 + rim, w / 2 - rim, -h / 2 + rim, h / 2 - rim, rng.uniform(1, 9)
    )
    frame |= board.bar(-2, 2, -h / 2, h / 2)
    metal = pick(rng, "zinc", "brass", "steel")
    parts = [
        board.lift(board.rounded(frame, rng.uniform(3, 6), 2), metal, 3),
        board.plate(board.bar(-2, w / 2 + 2, -1.8, 1.8), 1, 4, metal),
    ]
    if rng.random() < 0.6:
        wide, turns = rng.uniform(28, 40), rng.uniform(2.2, 4.0)
        t = np.linspace(0.6, turns, int(turns * 26)) * 2 * math.pi
        r = 8 + 3.6 * t / (2 * math.pi) * rng.uniform(1.2, 2.2)
        path = np.stack([r * np.cos(t), r * np.sin(t)], 1)
        inner = path - 1.6 * np.stack([np.cos(t), np.sin(t)], 1)
        outer = path + 1.6 * np.stack([np.cos(t), np.sin(t)], 1)
        belt = prism([np.concatenate([outer, inner[::-1]])], -wide / 2, wide / 2, pick(rng, "leather", "leather", "pvc"))
        stand = about(np.array([0, 1.0, 0]), math.pi / 2)
        parts = [p.moved(stand, (outer[-1, 0] + 2, outer[-1, 1], 0)) for p in parts] + [belt]
        return merge(parts).moved(about(np.array([1.0, 0, 0]), rng.normal(0, 0.5)))
    return merge(parts)


def batteries(rng: Rng) -> Solid:
    """AA or AAA cells, or a power bank."""
    if rng.random() < 0.3:
        w, h, t = rng.uniform(55, 75), rng.uniform(90, 145), rng.uniform(10, 22)
        parts = [
            box(-w / 2, w / 2, -h / 2, h / 2, -t / 2, t / 2, "foam"),
            box(-w / 2 + 3, w / 2 - 3, -h / 2 + 4, h / 2 - 22, -t / 4, t / 4, "cell"),
        ]
        parts.append(box(-w / 2 + 3, w / 2 - 3, h / 2 - 20, h / 2 - 3, -1, 1, "board"))
        return merge(parts)
    r, length = (7.1, 50.0) if rng.random() < 0.6 else (5.2, 44.0)
    parts = []
    for i in range(int(rng.choice([1, 2, 2, 4]))):
        can = revolve([(0, 0), (r, 0.01), (r, length - 1.5), (2.6, length - 1.4), (2.6, length), (0, length + 0.01)], "alkaline", 18)
        parts.append(can.moved(X_AXIS, (-length / 2, (2 * r + 0.5) * i, 0)))
    return merge(parts)


def pens(rng: Rng) -> Solid:
    """Ballpoints: plastic barrel, brass or steel tip, spring and clip."""
    parts = []
    for i in range(int(rng.choice([1, 1, 2, 3]))):
        length, r = rng.uniform(120, 145), rng.uniform(3.5, 5.5)
        barrel = revolve(
            [(0, 0), (r, 1), (r, length - 14), (1.5, length - 2), (0, length)],
            pick(rng, "abs", "abs", "aluminium", "brass") if rng.random() < 0.3 else "abs",
            12,
        )
        refill = revolve([(0, length - 12), (1.4, length - 12), (1.2, length), (0, length + 2)], "brass", 10)
        spring = revolve([(0, length - 34), (2.4, length - 34), (2.4, length - 16), (0, length - 16)], "aluminium", 10)
        clip = box(r, r + 1, -2, 2, 4, 40, "steel")
        turn = about(Z, rng.normal(0, 0.2))
        parts.append(merge([barrel, refill, spring, clip]).moved(turn @ X_AXIS, (rng.normal(0, 8), i * 12, 0)))
    return merge(parts)


def scrap(rng: Rng) -> Solid:
    """Random metal: rods, plates with holes, brackets, nuts and bolts: shapes that are nothing in particular."""
    kind = pick(rng, "plate", "rod", "bolt", "bracket", "blob", "ring")
    metal = pick(rng, "steel", "aluminium", "stainless", "zinc", "brass", "copper")
    board = Board(220, 220, 3)
    if kind == "plate":
        w, h = rng.uniform(8, 45), rng.uniform(5, 25)
        mask = board.bar(-w, w, -h, h, rng.uniform(0, h))
        for _ in range(int(rng.integers(0, 5))):
            mask &= ~board.disc(rng.uniform(-w, w), rng.uniform(-h, h), rng.uniform(2, h * 0.5))
        t = rng.uniform(0.5, 3)
        return board.plate(mask | board.disc(0, 0, 3), -t, t, metal)
    if kind == "rod":
        r, length = rng.uniform(1.5, 8), rng.uniform(40, 190)
        loops = [circle(r, 18)] + ([circle(r * rng.uniform(0.5, 0.85), 18, hole=True)] if rng.random() < 0.6 else [])
        return prism(loops, -length / 2, length / 2, metal).moved(X_AXIS)
    if kind == "bolt":
        r, length = rng.uniform(2.5, 8), rng.uniform(15, 90)
        parts = [prism([circle(r, 16)], 0, length, "steel"), prism([circle(r * 2, 6)], -r * 1.3, 0, "steel")]
        if rng.random() < 0.6:
            parts.append(prism([circle(r * 2, 6), circle(r, 16, hole=True)], length * 0.6, length * 0.6 + r * 1.5, "steel"))
        return merge(parts).moved(X_AXIS)
    if kind == "bracket":
        n = int(rng.integers(3, 6))
        points = [(float(x), float(y)) for x, y in np.cumsum(rng.normal(0, 32, (n, 2)), 0).clip(-90, 90)]
        mask = board.stroke(points, rng.uniform(4, 16))
        return board.lift(board.rounded(mask, rng.uniform(1.5, 9), rng.uniform(0.5, 4)), metal, 4)
    if kind == "ring":
        r = rng.uniform(6, 45)
        mask = board.oval(0, 0, r, r * rng.uniform(0.5, 1)) & ~board.oval(rng.normal(0, 1), 0, r * rng.uniform(0.6, 0.9), r * 0.45)
        return board.lift(board.rounded(mask, rng.uniform(1, 6), 1.5), metal, 3)
    angle = np.sort(rng.uniform(0, 2 * math.pi, 9))
    radius = rng.uniform(8, 55, 9)
    mask = board.smooth([(float(r * math.cos(a)), float(r * math.sin(a))) for r, a in zip(radius, angle, strict=True)])
    return board.lift(board.rounded(mask | board.disc(0, 0, 6), rng.uniform(1, 7), rng.uniform(1, 10)), metal, 4)


def torch(rng: Rng) -> Solid:
    """A pocket torch: aluminium tube, two cells, a head."""
    length, r = rng.uniform(85, 170), rng.uniform(10, 17)
    tube = revolve(
        [
            (0, 0),
            (r, 0.1),
            (r, length * 0.7),
            (r * 1.4, length * 0.8),
            (r * 1.4, length),
            (r * 1.3, length),
            (r - 1.8, length * 0.72),
            (r - 1.8, 3),
            (0, 3),
        ],
        "aluminium",
        20,
    )
    cells = revolve([(0, 6), (r * 0.62, 6), (r * 0.62, length * 0.68), (0, length * 0.69)], "alkaline", 16)
    return merge([tube, cells]).moved(X_AXIS)


def watch(rng: Rng) -> Solid:
    """A wrist watch with a closed strap."""
    r = rng.uniform(14, 22)
    case = revolve([(0, 0), (r, 0.1), (r, 8), (0, 8.1)], pick(rng, "stainless", "brass", "abs"), 28)
    hollow = rng.uniform(24, 30)
    metal = rng.random() < 0.5
    wide, t = rng.uniform(7, 10), 1.5
    parts = [case.moved(shift=(0, 0, hollow))]
    links = 26
    for i in range(links):
        a = 2 * math.pi * (i + 0.5) / links
        if math.cos(a) > 0.75:
            continue
        link = box(-3, 3, -wide, wide, hollow - t, hollow + t, "stainless" if metal else "leather")
        parts.append(link.moved(about(np.array([0, 1.0, 0]), a)))
    return merge(parts)


def hammer(rng: Rng) -> Solid:
    """A small hammer: head and shaft."""
    length, head = rng.uniform(180, 280), rng.uniform(70, 110)
    board = Board(360, 160, 3)
    shape = board.polygon([(-12, -head / 2), (12, -head / 2), (12, head * 0.2), (3, head / 2), (-3, head / 2), (-10, head * 0.2)])
    steel = board.lift(board.rounded(shape, 24, 3), "steel", 4)
    shaft = board.stroke([(0, 0), (-length * 0.5, 0), (-length, 0)], [16, 20, 26])
    return merge([steel, board.lift(board.rounded(shaft, 20, 8), pick(rng, "wood", "wood", "steel"), 3)])


def comb(rng: Rng) -> Solid:
    """A comb, plastic or metal: many parallel teeth."""
    length, depth = rng.uniform(110, 190), rng.uniform(22, 40)
    board = Board(220, 60, 4)
    mask = board.bar(-length / 2, length / 2, depth * 0.2, depth * 0.5, 3)
    for x in np.arange(-length / 2 + 4, length / 2 - 3, rng.uniform(2.4, 4)):
        mask |= board.bar(x, x + 1.3, -depth / 2, depth * 0.3)
    return board.plate(mask, -1.6, 1.6, pick(rng, "abs", "abs", "steel", "aluminium"))


def cutlery(rng: Rng) -> Solid:
    """A fork or a spoon."""
    board = Board(240, 60, 4)
    handle = board.stroke([(-100, 0), (-40, 0), (25, 0)], [rng.uniform(12, 18), 8, 6])
    if rng.random() < 0.5:
        head = board.oval(52, 0, 30, rng.uniform(15, 21))
        height = board.rounded(head | handle, rng.uniform(1.4, 2.6), 1)
    else:
        head = board.bar(25, 48, -12, 12, 8)
        for y in (-9, -3, 3, 9):
            head |= board.bar(40, 80, y - 1.6, y + 1.6, 1.5)
        height = board.rounded(head | handle, rng.uniform(1.4, 2.4), 1)
    return board.lift(height, "stainless", 3)
