"""Real bags as training samples: as they are, with their threat smoothed away, and with something else smoothed away instead."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lanescope.data.bags import ObjectBox, RealBag
from lanescope.data.compose import MASK_STRIDE, Finish, place_background
from lanescope.data.scans import smooth_away
from lanescope.measure.sample import Sample
from lanescope.patch import CLASSES

APART = 4.0
"""Pixels between a box smoothed away and any threat's box."""
ZOOM_SHARE = 0.25
"""Share of samples that show a part of the bag only, as the looks at a long bag do."""


@dataclass(frozen=True)
class Zoom:
    """The part of a bag that a sample shows; x0, y0, x1, y1 in pixels of the bag."""

    box: tuple[int, int, int, int]

    @staticmethod
    def draw(bag: RealBag, around: list[ObjectBox], rng: np.random.Generator) -> Zoom:
        """The whole bag, or at random a part of it that holds all the boxes of `around`."""
        h, w = bag.pixels.shape[:2]
        whole = Zoom((0, 0, w, h))
        if rng.random() >= ZOOM_SHARE:
            return whole
        part_w, part_h = (int(side * rng.uniform(0.45, 0.85)) for side in (w, h))
        if around:
            x0, y0, x1, y1 = zip(*around, strict=True)
            need = (min(x0), min(y0), max(x1), max(y1))
            part_w, part_h = max(part_w, int(need[2] - need[0]) + 8), max(part_h, int(need[3] - need[1]) + 8)
            if part_w >= w or part_h >= h:
                return whole
            left = int(np.clip(rng.uniform(need[2] - part_w, need[0]), 0, w - part_w))
            top = int(np.clip(rng.uniform(need[3] - part_h, need[1]), 0, h - part_h))
        else:
            left, top = int(rng.integers(0, w - part_w + 1)), int(rng.integers(0, h - part_h + 1))
        return Zoom((left, top, left + part_w, top + part_h))


def bag_sample(
    bag: RealBag,
    pixels: np.ndarray,
    erased: str | None,
    side: int,
    rng: np.random.Generator,
    *,
    zoom: Zoom | None = None,
    gentle: bool = False,
    label_when_erased: int = 0,
) -> Sample:
    """A bag as a sample.

    Args:
        pixels: the bag's, or an edited version of them.
        erased: the class whose boxes are smoothed away in `pixels`, or None.
        side: S, pixels.
        zoom: the part to show; the whole bag when None.
        gentle: leave it as preprocessing would (validation).
        label_when_erased: the erased class's label where the boxes may not name every object: 0, or -1.

    Returns:
        labels as known: a class whose boxes were erased is 0 (or `label_when_erased`). Masks: 1 on boxes (their inner ellipse), 0
        where it is known that
        nothing is, -1 elsewhere: everywhere for an unknown class, outside the boxes for a class whose boxes are not complete.
    """
    h, w = bag.pixels.shape[:2]
    x0, y0, x1, y1 = zoom.box if zoom else (0, 0, w, h)
    square, matrix = place_background(np.ascontiguousarray(pixels[y0:y1, x0:x1]), side, rng, gentle)
    if not gentle:
        square = Finish.draw(rng).apply(square.astype(np.float32) / 255)
    part = x1 - x0 < w or y1 - y0 < h
    cells = side // MASK_STRIDE
    labels = bag.labels.copy()
    masks = np.zeros((len(CLASSES), cells, cells), np.float32)
    facts: list[dict[str, float | str]] = []
    for c, name in enumerate(CLASSES):
        boxes = [(a - x0, b - y0, d - x0, e - y0) for a, b, d, e in bag.boxes(name)]
        if name == erased:
            labels[c] = 0 if bag.complete[c] else label_when_erased
        elif labels[c] == 1 and part and not boxes:
            labels[c] = -1  # it may lie in the part that is not shown
        present = boxes if labels[c] == 1 and name != erased else []
        if labels[c] != 0 or not bag.complete[c]:
            known_free = _filled(boxes, matrix, side, grown=True) if name == erased else np.zeros((side, side), np.uint8)
            unknown = cv2.resize(255 - known_free, (cells, cells), interpolation=cv2.INTER_AREA) > 127
            if labels[c] != 1 or not bag.complete[c]:
                masks[c][unknown] = -1
        if present:
            covered = cv2.resize(_filled(present, matrix, side).astype(np.float32) / 255, (cells, cells), interpolation=cv2.INTER_AREA)
            masks[c] = np.where(covered > 0, covered, masks[c])
            facts += [_fact(name, bag.source, box, matrix, side) for box in present]
    return Sample(square, labels, masks.astype(np.float16), bag.source, bag.group, facts)


def _filled(boxes: list[ObjectBox], matrix: np.ndarray, side: int, grown: bool = False) -> np.ndarray:
    """uint8 [S, S], 255 on the boxes' inner ellipses (corners are rarely object), or on the whole boxes."""
    full = np.zeros((side, side), np.uint8)
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for x0, y0, x1, y1 in boxes:
        cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        if grown:
            points = np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1]])
        else:
            points = np.stack([cx + 0.45 * w * np.cos(t), cy + 0.45 * h * np.sin(t), np.ones_like(t)])
        cv2.fillPoly(full, [np.round((matrix @ points).T * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return full


def _fact(label: str, source: str, box: ObjectBox, matrix: np.ndarray, side: int) -> dict[str, float | str]:
    x0, y0, x1, y1 = box
    turned = matrix @ np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1]])
    low, high = turned.min(axis=1) / side, turned.max(axis=1) / side
    return {
        "label": label, "source": source, "size": float((high - low).max() * side), "contrast": 0.0,
        "x": float((low[0] + high[0]) / 2), "y": float((low[1] + high[1]) / 2),
        "x0": float(low[0]), "y0": float(low[1]), "x1": float(high[0]), "y1": float(high[1]),
    }  # fmt: skip


def erased_bag(bag: RealBag, label: str) -> np.ndarray:
    """The bag with every box of a class smoothed away; uint8 [h, w, 3]."""
    pixels = bag.pixels
    for box in bag.boxes(label):
        pixels = smooth_away(pixels, box)
    return pixels


def smoothed_elsewhere(bag: RealBag, label: str, rng: np.random.Generator) -> np.ndarray:
    """Boxes of the same sizes smoothed away where no box is, preferably on the bag; as it is where no place was found."""
    h, w = bag.pixels.shape[:2]
    pixels = bag.pixels
    for a, b, c, d in bag.boxes(label):
        bw, bh = c - a, d - b
        best, best_share = None, -1.0
        for _ in range(12):
            x, y = rng.uniform(0, max(1.0, w - bw)), rng.uniform(0, max(1.0, h - bh))
            box = (x, y, x + bw, y + bh)
            clear = (
                box[2] < p - APART or box[0] > r + APART or box[3] < q - APART or box[1] > s + APART for _, (p, q, r, s) in bag.objects
            )
            if not all(clear):
                continue
            share = float((bag.pixels[int(y) : int(y + bh) + 1, int(x) : int(x + bw) + 1].min(axis=2) < 240).mean())
            if share > best_share:
                best, best_share = box, share
            if share > 0.7:
                break
        if best is not None:
            pixels = smooth_away(pixels, best)
    return pixels


def bag_pair(bags: list[RealBag], label: str, side: int, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """A bag with a boxed threat of a class and something else smoothed away, and the same bag with that threat smoothed away.

    Where the boxes need not name every object (SIXray), the second is taken for free of guns and knives, which rarely come twice,
    and for wrenches, which
    come by the dozen, only every other time; its cells outside the box stay unknown always.

    Args:
        bags: those that hold a box of `label`.
    """
    bag = bags[int(rng.integers(len(bags)))]
    zoom = Zoom.draw(bag, bag.boxes(label), rng)
    here, gone = smoothed_elsewhere(bag, label, rng), erased_bag(bag, label)
    when_erased = -1 if label == "wrench" and rng.random() < 0.5 else 0
    seed = int(rng.integers(2**31))
    return (
        bag_sample(bag, here, None, side, np.random.default_rng(seed), zoom=zoom),
        bag_sample(bag, gone, label, side, np.random.default_rng(seed), zoom=zoom, label_when_erased=when_erased),
    )


def whole_bag(bag: RealBag, side: int, rng: np.random.Generator) -> Sample:
    """A bag as it is, or a part of it."""
    return bag_sample(bag, bag.pixels, None, side, rng, zoom=Zoom.draw(bag, [box for _, box in bag.objects], rng))
