"""Wrenches: spanners, adjustable and pipe wrenches, ratchets. Millimetres; each call a new model."""

from __future__ import annotations

import math

import numpy as np

from ..sketch import Board, Rng, pick
from ..solid import Solid, circle, merge, prism
from .common import spring


def _open_jaw(board: Board, x: float, jaw: float, direction: float) -> tuple[np.ndarray, np.ndarray]:
    """(head, mouth) masks of an open end at x whose mouth looks along `direction` (radians)."""
    r = jaw * 1.08
    d = np.array([math.cos(direction), math.sin(direction)])
    n = np.array([-d[1], d[0]])
    c = np.array([x, 0.0])
    head = board.disc(x, 0.0, r)
    mouth = board.polygon(
        [c - 0.35 * jaw * d + n * jaw / 2, c + 2 * jaw * d + n * jaw / 2, c + 2 * jaw * d - n * jaw / 2, c - 0.35 * jaw * d - n * jaw / 2]
    )
    mx, my = (c - 0.32 * jaw * d).tolist()
    mouth |= board.disc(mx, my, jaw * 0.5)
    trim = board.polygon(
        [c + 0.9 * jaw * d + n * 3 * jaw, c + 4 * jaw * d + n * 3 * jaw, c + 4 * jaw * d - n * 3 * jaw, c + 0.9 * jaw * d - n * 3 * jaw]
    )
    return head & ~trim, mouth


def spanner(rng: Rng) -> Solid:
    """Open-ended, combination or ring spanner: forged heads, I-section shank."""
    length = rng.uniform(110, 260)
    jaw = np.clip(length * rng.uniform(0.065, 0.1), 8, 24)
    board = Board(length + jaw * 5, jaw * 5 + 40, 4)
    kind = pick(rng, "open", "combination", "combination", "ring", "open")
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
    metal = pick(rng, "steel", "steel", "stainless")
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
    head = board.smooth(
        [
            (hx - 26 * s, -14 * s),
            (hx - 24 * s, 12 * s),
            (hx - 6 * s, 27 * s),
            (hx + 30 * s, 30 * s),
            (hx + 34 * s, 20 * s),
            (hx + 8 * s, 13 * s),
            (hx + 4 * s, -12 * s),
            (hx - 8 * s, -22 * s),
        ]
    )
    y = 13 * s - gap
    jaw = board.polygon(
        [
            (hx + 4 * s, y),
            (hx + 33 * s, y + 1 * s),
            (hx + 29 * s, y - 9 * s),
            (hx + 8 * s, y - 19 * s),
            (hx - 6 * s, y - 22 * s),
            (hx - 4 * s, y - 8 * s),
        ]
    )
    hole = board.disc(-length / 2 + 10 * s, 0, 5 * s)
    slot = board.bar(hx - 16 * s, hx - 3 * s, -12 * s, 2 * s)
    t = 13 * s
    height = np.maximum(board.rounded(head & ~slot & ~jaw, t, 3), board.rounded(handle & ~hole & ~head & ~jaw, t * 0.7, 2))
    web = board.stroke([(-length / 2 + 28 * s, 0), (length / 2 - 70 * s, -1 * s)], 8 * s)
    height = np.where(web, np.minimum(height, t * rng.uniform(0.3, 0.55)), height)
    worm = spring(-8 * s, 8 * s, 0, 5.5 * s, 6).moved(shift=(hx - 9.5 * s, -5 * s, 0))
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
    hook = board.stroke(
        [
            (hx - 26 * s, 22 * s),
            (hx + 20 * s, 22 * s),
            (hx + 44 * s + gap, 20 * s),
            (hx + 40 * s + gap, -8 * s),
            (hx + 34 * s + gap, -20 * s),
        ],
        [11 * s, 11 * s, 13 * s, 15 * s, 13 * s],
    )
    nut = spring(-9 * s, 9 * s, 0, 11 * s, 8).moved(shift=(hx - 12 * s, 20 * s, 0))
    web = board.stroke([(-length / 2 + 12 * s, 0), (hx - 24 * s, 0)], 10 * s)
    height = board.rounded(handle | heel, 20 * s, 4)
    height = np.where(web, height * rng.uniform(0.35, 0.6), height)
    metal = pick(rng, "steel", "steel", "aluminium")
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
        parts.append(board.lift(board.rounded(grip, r * 1.4, 5) - board.rounded(grip & body, 8, 2).clip(0), pick(rng, "rubber", "pvc"), 3))
    return merge(parts)
