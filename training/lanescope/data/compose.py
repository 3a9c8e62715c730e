"""Threat image projection: composites of a real background with threats and distractors, each with its threat-free twin.

Everything is multiplied in the transmission domain (the paper's Eq. 1, physically done): two things on top of each other
pass the product of what each passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lanescope.measure.sample import Sample
from lanescope.patch import CLASSES, Patch

MASK_STRIDE = 4
"""Masks are kept at a quarter of the scan's size; no level's map is finer."""


@dataclass(frozen=True)
class Difficulty:
    """How small and faint threats are; `at(progress)` grows it from easy to what lanes see."""

    smallest: float
    """Long side of a threat as a share of the scan's side: lower end (log-uniform)."""
    largest: float
    faintest: float
    """Exponent on the transmission, lower end: below 1 is fainter."""
    strongest: float
    distractors: int

    @staticmethod
    def at(progress: float) -> Difficulty:
        """progress 0 (easy) to 1 (hard)."""
        p = float(np.clip(progress, 0, 1))
        mix = lambda easy, hard: easy + (hard - easy) * p  # noqa: E731
        return Difficulty(mix(0.18, 0.07), mix(0.5, 0.36), mix(1.0, 0.55), mix(1.8, 1.6), round(mix(2, 5)))


def place_background(pixels: np.ndarray, side: int, rng: np.random.Generator, gentle: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Warp a cleaned crop into the padded square: flips, quarter turns, tilt, slight zoom.

    Args:
        pixels: uint8 [h, w, 3].
        gentle: centre it unturned, as preprocessing would.

    Returns:
        uint8 [side, side, 3] and the 2x3 matrix that maps crop coordinates to the square.
    """
    h, w = pixels.shape[:2]
    scale = side / max(h, w)
    flip = np.eye(3)
    angle = 0.0
    if not gentle:
        if rng.random() < 0.5:
            flip[0] = [-1, 0, w - 1]
        angle = float(rng.integers(4) * 90 + (rng.normal(0, 6) if rng.random() < 0.5 else 0))
        scale *= rng.uniform(0.85, 1.08)
    turn = np.vstack([cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), angle, scale), [0, 0, 1]])
    turn[0, 2] += side / 2 - w / 2
    turn[1, 2] += side / 2 - h / 2
    matrix = (turn @ flip)[:2]
    square = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    return square, matrix


def warp_patch(patch: Patch, size: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Turn, flip and scale a patch to a long side of `size` pixels; transmission float32 and coverage float32 [0, 1]."""
    transmission, mask = patch.transmission, patch.mask.astype(np.float32)
    scale = size / max(mask.shape)
    if scale < 0.6:
        shrink = (max(2, round(mask.shape[1] * scale * 1.3)), max(2, round(mask.shape[0] * scale * 1.3)))
        transmission = cv2.resize(transmission, shrink, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, shrink, interpolation=cv2.INTER_AREA)
        scale = size / max(mask.shape)
    if rng.random() < 0.5:
        transmission, mask = transmission[:, ::-1], mask[:, ::-1]
    h, w = mask.shape
    angle = rng.uniform(0, 360)
    c, s = abs(np.cos(np.deg2rad(angle))) * scale, abs(np.sin(np.deg2rad(angle))) * scale
    out = (max(3, int(w * c + h * s) + 3), max(3, int(w * s + h * c) + 3))
    matrix = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), angle, scale)
    matrix[0, 2] += out[0] / 2 - w / 2
    matrix[1, 2] += out[1] / 2 - h / 2
    warped = cv2.warpAffine(np.ascontiguousarray(transmission), matrix, out, flags=cv2.INTER_LINEAR, borderValue=(1.0, 1.0, 1.0))
    coverage = cv2.warpAffine(np.ascontiguousarray(mask), matrix, out, flags=cv2.INTER_LINEAR, borderValue=0.0)
    return warped, coverage


def find_place(bag: np.ndarray, coverage: np.ndarray, rng: np.random.Generator) -> tuple[int, int] | None:
    """Left and top so that nine tenths of the object lie on the bag; None when no try succeeds.

    Args:
        bag: bool [S, S].
        coverage: float [h, w] of the object.
    """
    side = bag.shape[0]
    h, w = coverage.shape
    if h >= side or w >= side:
        return None
    inside = coverage > 0.5
    need = 0.9 * max(1, int(inside.sum()))
    points = np.flatnonzero(bag[::4, ::4])
    if len(points) == 0:
        return None
    stride = bag[::4, ::4].shape[1]
    for _ in range(8):
        point = int(points[int(rng.integers(len(points)))])
        x, y = (point % stride) * 4 - w // 2, (point // stride) * 4 - h // 2
        if x < 0 or y < 0 or x + w > side or y + h > side:
            continue
        if (bag[y : y + h, x : x + w] & inside).sum() >= need:
            return x, y
    return None


@dataclass(frozen=True)
class Palette:
    """How this lane's scanner colours thick metal, drawn once a composite and the same for threats and distractors."""

    blue: float
    """0 the plain product, up to 1 saturated to a bright blue whatever lies behind."""
    tone: np.ndarray
    """Exponents on the transmission a channel."""

    @staticmethod
    def draw(rng: np.random.Generator) -> Palette:
        kind = rng.random()
        blue = 0.0 if kind < 0.45 else rng.uniform(0.3, 0.95)
        # Near black in some: blue is absorbed almost as strongly as red.
        tone = np.array([1.0, rng.uniform(0.8, 1.3), rng.uniform(0.3, 1.2) if kind > 0.2 else rng.uniform(1.4, 2.4)], np.float32)
        return Palette(float(blue), tone)


def project(canvas: np.ndarray, transmission: np.ndarray, x: int, y: int, palette: Palette, strength: float) -> None:
    """Multiply an object into a canvas, in place.

    Args:
        canvas: float32 [S, S, 3], 0-1.
        transmission: float32 [h, w, 3].
        strength: exponent, thickness relative to the patch.
    """
    h, w = transmission.shape[:2]
    region = canvas[y : y + h, x : x + w]
    dimmed = transmission ** (strength * palette.tone)
    out = region * dimmed
    if palette.blue > 0:
        # Metal is where red is taken far more than blue: there the scanner's table, not the product, sets the hue.
        metal = np.clip((1 - dimmed[..., :1]) * 1.6 - 0.5, 0, 1) * palette.blue * (transmission[..., :1] < transmission[..., 2:] + 0.05)
        light = out.mean(axis=2, keepdims=True)
        hue = np.array([0.10, 0.28, 0.86], np.float32) * np.clip(0.45 + 1.2 * light, 0, 1)
        out = out + (hue - out) * metal
    canvas[y : y + h, x : x + w] = out


@dataclass(frozen=True)
class Finish:
    """Scanner-wide rendering of one composite: contrast, colour, blur and noise."""

    table: np.ndarray
    blur: float
    noise: float
    seed: int

    @staticmethod
    def draw(rng: np.random.Generator) -> Finish:
        levels = np.arange(256, dtype=np.float32) / 255
        gamma = np.exp(rng.normal(0, 0.16)) * np.exp(rng.normal(0, 0.05, 3))
        table = np.stack([levels**g for g in gamma], axis=1)
        return Finish(
            np.clip(table * 255 + 0.5, 0, 255).astype(np.uint8),
            float(rng.uniform(0.3, 0.9)) if rng.random() < 0.4 else 0.0,
            float(rng.uniform(1, 5)) if rng.random() < 0.4 else 0.0,
            int(rng.integers(2**31)),
        )

    def apply(self, canvas: np.ndarray) -> np.ndarray:
        """float32 [S, S, 3], 0-1 -> uint8; the same noise for a twin."""
        pixels = np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)
        if self.blur:
            pixels = cv2.GaussianBlur(pixels, (0, 0), self.blur)
        pixels = cv2.LUT(pixels, self.table.reshape(1, 256, 3)) if self.table.ndim == 2 else pixels
        if self.noise:
            rng = np.random.default_rng(self.seed)
            noise = rng.standard_normal(pixels.shape[:2], dtype=np.float32) * self.noise
            noisy = pixels.astype(np.float32) + noise[..., None] * (pixels.min(axis=2, keepdims=True) < 250)
            pixels = np.clip(noisy + 0.5, 0, 255).astype(np.uint8)
        return pixels


def compose(
    background: np.ndarray,
    threats: list[Patch],
    distractors: list[Patch],
    second: np.ndarray | None,
    side: int,
    difficulty: Difficulty,
    rng: np.random.Generator,
    group: str = "",
) -> tuple[Sample, Sample]:
    """One composite and its twin without the threats.

    Args:
        background: uint8 cleaned crop, itself free of threats.
        threats: patches to add to the positive alone.
        distractors: patches to add to both.
        second: another cleaned crop to lay over it (bag on bag), or None.
        side: S, pixels.
        group: the background's group.

    Returns:
        positive and twin; identical outside the threats (and the blur's reach).
    """
    base, _ = place_background(background, side, rng)
    canvas = base.astype(np.float32) / 255
    if second is not None:
        over, _ = place_background(second, side, rng)
        # Thinner than a whole bag: what lies on top is a jacket or a pouch more often than a second suitcase.
        canvas *= (over.astype(np.float32) / 255) ** rng.uniform(0.3, 0.8)
    bag = canvas.min(axis=2) < 0.96
    palette, finish = Palette.draw(rng), Finish.draw(rng)
    for patch in distractors:
        size = side * np.exp(rng.uniform(np.log(0.05), np.log(0.35)))
        warped, coverage = warp_patch(patch, size, rng)
        place = find_place(bag, coverage, rng)
        if place is not None:
            project(canvas, warped, *place, palette, rng.uniform(difficulty.faintest, difficulty.strongest))
    twin_pixels = finish.apply(canvas)
    cells = side // MASK_STRIDE
    masks = np.zeros((len(CLASSES), cells, cells), np.float32)
    labels = np.zeros(len(CLASSES), np.int8)
    facts: list[dict[str, float | str]] = []
    with_threat = canvas.copy()
    for patch in threats:
        index = CLASSES.index(patch.label)
        strength = rng.uniform(difficulty.faintest, difficulty.strongest)
        size = side * np.exp(rng.uniform(np.log(difficulty.smallest), np.log(difficulty.largest)))
        for _ in range(3):
            warped, coverage = warp_patch(patch, size, rng)
            place = find_place(bag, coverage, rng)
            if place is not None:
                break
            size *= 0.75
        if place is None:
            continue
        x, y = place
        h, w = coverage.shape
        before = with_threat[y : y + h, x : x + w].copy()
        project(with_threat, warped, x, y, palette, strength)
        inside = coverage > 0.5
        contrast = float(np.abs(before - with_threat[y : y + h, x : x + w])[inside].mean()) if inside.any() else 0.0
        full = np.zeros((side, side), np.float32)
        full[y : y + h, x : x + w] = coverage
        masks[index] = np.maximum(masks[index], cv2.resize(full, (cells, cells), interpolation=cv2.INTER_AREA))
        labels[index] = 1
        facts.append(
            {
                "label": patch.label,
                "source": patch.source,
                "size": float(max(h, w)),
                "contrast": contrast,
                "x": (x + w / 2) / side,
                "y": (y + h / 2) / side,
                "x0": x / side,
                "y0": y / side,
                "x1": (x + w) / side,
                "y1": (y + h) / side,
            }
        )
    positive = Sample(finish.apply(with_threat), labels, masks.astype(np.float16), "composite", group, facts)
    twin = Sample(twin_pixels, np.zeros_like(labels), np.zeros_like(masks, np.float16), "twin", group)
    return positive, twin


def real_sample(
    pixels: np.ndarray,
    box: tuple[float, float, float, float] | None,
    label: str | None,
    side: int,
    rng: np.random.Generator,
    *,
    known: tuple[str, ...],
    gentle: bool,
    source: str,
    group: str,
) -> Sample:
    """A real scan as a sample.

    Args:
        box, label: the threat that is there, or None.
        known: classes whose presence is certain; the others are -1.
        gentle: leave it as preprocessing would (validation).
    """
    square, matrix = place_background(pixels, side, rng, gentle)
    if not gentle:
        square = Finish.draw(rng).apply(square.astype(np.float32) / 255)
    cells = side // MASK_STRIDE
    labels = np.array([0 if name in known else -1 for name in CLASSES], np.int8)
    masks = np.where(labels[:, None, None] < 0, -1.0, np.zeros((len(CLASSES), cells, cells))).astype(np.float32)
    facts: list[dict[str, float | str]] = []
    if box is not None and label is not None:
        index = CLASSES.index(label)
        x0, y0, x1, y1 = box
        # A box's corners are rarely blade: its inner ellipse is nearer to a mask.
        t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ellipse = np.stack([(x0 + x1) / 2 + 0.45 * (x1 - x0) * np.cos(t), (y0 + y1) / 2 + 0.45 * (y1 - y0) * np.sin(t), np.ones_like(t)])
        corners = np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1]])
        full = np.zeros((side, side), np.uint8)
        cv2.fillPoly(full, [np.round((matrix @ ellipse).T * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
        masks[index] = cv2.resize(full.astype(np.float32) / 255, (cells, cells), interpolation=cv2.INTER_AREA)
        labels[index] = 1
        turned = matrix @ corners
        low, high = turned.min(axis=1) / side, turned.max(axis=1) / side
        facts.append(
            {
                "label": label,
                "source": source,
                "size": float((high - low).max() * side),
                "contrast": 0.0,
                "x": float((low[0] + high[0]) / 2),
                "y": float((low[1] + high[1]) / 2),
                "x0": float(low[0]),
                "y0": float(low[1]),
                "x1": float(high[0]),
                "y1": float(high[1]),
            }
        )
    return Sample(square, labels, masks.astype(np.float16), source, group, facts)
