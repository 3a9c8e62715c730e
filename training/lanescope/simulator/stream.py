"""Packed bags as scans: a stream of labelled scans at any prevalence, each with its exact twin without the threat on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lanescope.patch import CLASSES

from . import colour
from .bag import Bag, make_bag
from .patches import SILHOUETTE, random_scanner
from .project import Device
from .sketch import Rng
from .sprites import MESH, Library, Workshop, library

SMALLEST_BAG_MM = 400.0
"""Objects are rendered at the pitch of a bag this long, so that placing them only ever shrinks them."""
MIN_VISIBLE_PX = 20
"""A threat that covers fewer pixels is placed again: nobody could label it."""

ODDS = {
    "bottle": 1.1, "can": 0.3, "umbrella": 0.3, "book": 0.6, "phone": 0.35, "charger": 0.5, "tube": 0.9, "parcel": 0.8,
    "fruit": 0.2, "hair_dryer": 0.18, "camera": 0.15, "glasses": 0.3, "cable": 1.0, "chain": 0.5, "underwire": 0.3, "clutter": 5.0,
    MESH: 1.5,
}  # fmt: skip
"""How many of each a bag of ordinary size and fullness holds, on average."""


@dataclass
class Scan:
    """One simulated scan."""

    image: npt.NDArray[np.uint8]
    """RGB uint8 [H, W, 3], light background, longest side = `size`."""
    labels: dict[str, int]
    """1 present, 0 absent, for each of `CLASSES`."""
    boxes: list[tuple[str, int, int, int, int]]
    """(class, x0, y0, x1, y1) a threat, pixels, x1 and y1 exclusive."""
    mask: npt.NDArray[np.uint8]
    """uint8 [H, W]: 0, or 1 + the class's index in `CLASSES` where a threat's silhouette is."""
    sources: list[str]
    """The threats' models, e.g. "shape:revolver"."""
    twin: npt.NDArray[np.uint8] | None
    """The same bag, same noise, without its threats; None when not asked for, `image` itself when there are none."""
    index: int
    """Position in its stream."""
    mm_per_px: float
    """Pixel pitch."""

    @property
    def positive(self) -> bool:
        """Holds at least one threat."""
        return any(self.labels.values())


def objects(
    size: int, library_seed: int = 0, fresh: bool = False, cache: Path | None = None, detail: float = 1.0, meshes: bool = True,
) -> Library:  # fmt: skip
    """The objects for scans of `size` pixels: a library (fast), or a workshop that makes each anew (`fresh`); with or without meshes."""
    pitch = SMALLEST_BAG_MM / size
    return Workshop(pitch, library_seed, meshes) if fresh else library(pitch, library_seed, detail, cache, meshes)


def _spot(bag: Bag, half_w: float, half_h: float, angle: float, rng: Rng, choices: int, tries: int = 12) -> tuple[float, float] | None:
    """A place for a rectangle (mm, rotated) wholly inside the bag, the emptiest of some `choices`; None when it does not fit."""
    c, s = np.cos(angle), np.sin(angle)
    corners = np.array([[c * x - s * y, s * x + c * y] for x in (-half_w, half_w) for y in (-half_h, half_h)] + [[0.0, 0.0]])
    middles = bag.to_canvas(rng.uniform(-1, 1, tries) * bag.half[0], rng.uniform(-1, 1, tries) * bag.half[1])
    pixels = np.round(bag.field.at(middles[:, None] + corners)).astype(int)
    height, width = bag.inside.shape
    fits = ((pixels >= 0) & (pixels < [width, height])).all((1, 2))
    columns, rows = np.clip(pixels[..., 0], 0, width - 1), np.clip(pixels[..., 1], 0, height - 1)
    room = np.where(fits, bag.inside[rows, columns].min(1), -np.inf)
    good = np.nonzero(room > 2)[0][:choices]
    if len(good):
        dense = bag.field.attenuation[1, rows[good], columns[good]].mean(1)
        pick = int(good[np.argmin(dense)])
    else:
        pick = int(np.argmax(room))
        if room[pick] < -6:
            return None
    return float(middles[pick, 0]), float(middles[pick, 1])


def _put(
    bag: Bag, kind: str, shelf: Library, rng: Rng, aligned: bool = False, choices: int = 3
) -> tuple[tuple[slice, slice, npt.NDArray[np.float32]], str] | None:
    """Draw an object, find it a place, add it; None when it did not fit."""
    sprite = shelf.draw(kind, rng)
    h, w = sprite.attenuation.shape[1:]
    angle = bag.angle + float(rng.choice([0, np.pi / 2, np.pi])) + rng.normal(0, 0.08) if aligned else rng.uniform(0, 2 * np.pi)
    mirror = bool(rng.random() < 0.5)
    half_w, half_h = w * shelf.pitch / 2, h * shelf.pitch / 2
    if aligned and half_w > half_h and abs(np.cos(angle - bag.angle)) < 0.5:
        angle += np.pi / 2
    spot = _spot(bag, half_w, half_h, angle, rng, choices)
    if spot is None:
        return None
    added = bag.field.sprite(sprite.attenuation, shelf.pitch, *spot, angle, mirror)
    return None if added is None else (added, sprite.source)


def _pack(bag: Bag, shelf: Library, rng: Rng) -> None:
    """Fill a bag with harmless things: a few clothes or many, and what travellers carry."""
    area = bag.half[0] * bag.half[1] / 60000.0
    fullness = rng.choice([0.25, 1.0, 1.7], p=[0.25, 0.5, 0.25])
    if bag.kind == "small":
        fullness *= 0.7
    within = np.clip((bag.inside - 4) / 14, 0, 1)
    for _ in range(rng.poisson(10 * fullness * area)):
        sprite = shelf.draw("clothes", rng)
        x, y = bag.to_canvas(rng.uniform(-0.9, 0.9) * bag.half[0], rng.uniform(-0.9, 0.9) * bag.half[1])
        angle = bag.angle + float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.15) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
        bag.field.sprite(sprite.attenuation, shelf.pitch, float(x), float(y), angle, bool(rng.random() < 0.5), within)
    if rng.random() < 0.28:
        _put(bag, "laptop", shelf, rng, aligned=True)
        if rng.random() < 0.7:
            _put(bag, "charger", shelf, rng)
            _put(bag, "cable", shelf, rng)
    shoes = int(rng.choice([0, 0, 2, 2, 4], p=[0.35, 0.15, 0.25, 0.15, 0.1])) if bag.kind != "small" else 0
    for _ in range(shoes):
        _put(bag, "shoe", shelf, rng, aligned=bool(rng.random() < 0.7))
    for kind, mean in ODDS.items():
        if not shelf.holds(kind):
            continue
        for _ in range(rng.poisson(mean * (0.5 + 0.5 * area) * (0.6 + 0.4 * fullness))):
            _put(bag, kind, shelf, rng, aligned=kind in ("book", "parcel") and rng.random() < 0.5)


def simulate(
    seed: int, index: int, threats: Sequence[str], size: int = 500, shelf: Library | None = None, scanner: colour.Scanner | None = None,
    twin: bool = False, device: Device = "cpu",
) -> Scan:  # fmt: skip
    """One scan, fully determined by its arguments.

    Bag, threats and noise have their own random streams, so a scan with `threats=()` shows the same bag with the same noise.

    Args:
        seed: the stream's seed.
        index: the scan's number in the stream.
        threats: classes to put in, repeats allowed; those that fit nowhere are left out (and not labelled).
        size: longest side, pixels.
        shelf: where objects come from, made for this size by `objects`; the default library when None.
        scanner: the machine; random (from seed and index) when None.
        twin: also render the scan without the threats.
        device: where detector and display are computed (packing stays on the CPU; noise is the same on every device).

    Returns:
        the scan.

    Raises:
        ValueError: for a class that is not known.
    """
    unknown = set(threats) - set(CLASSES)
    if unknown:
        raise ValueError(f"no such class: {sorted(unknown)}")
    shelf = shelf or objects(size)
    rng = np.random.default_rng([seed, index, 0])
    machine = scanner or random_scanner(rng)
    bag = make_bag(rng, shelf.noise, size)
    _pack(bag, shelf, rng)
    harmless = bag.field.attenuation.copy() if twin and threats else None

    rng = np.random.default_rng([seed, index, 1])
    mask = np.zeros(bag.field.shape, np.uint8)
    boxes: list[tuple[str, int, int, int, int]] = []
    sources = []
    for label in threats:
        for _ in range(12):
            put = _put(bag, label, shelf, rng, choices=1)
            if put is None:
                continue
            (rows, columns, added), source = put
            silhouette = added[1] > SILHOUETTE
            if silhouette.sum() < MIN_VISIBLE_PX:
                # Too small to see (edge-on): take it out again exactly.
                bag.field.attenuation[:, rows, columns] -= added
                continue
            mask[rows, columns][silhouette] = 1 + CLASSES.index(label)
            ys, xs = np.nonzero(silhouette)
            r0, c0 = rows.start, columns.start
            boxes.append((label, c0 + int(xs.min()), r0 + int(ys.min()), c0 + int(xs.max()) + 1, r0 + int(ys.max()) + 1))
            sources.append(source)
            break
    # Blur is the machine's, in mm: at a coarse pitch the pixel itself is wider.
    blur = machine.blur_px * min(max(1.0 / bag.field.pitch, 0.35), 1.4)

    def view(attenuation: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        noise = np.random.Generator(np.random.SFC64([seed, index, 2]))
        light = colour.detect(torch.from_numpy(attenuation).to(device), machine, noise, blur)
        return colour.pseudo_colour(light, machine).cpu().numpy()

    image = view(bag.field.attenuation)
    other = None
    if twin:
        other = view(harmless) if harmless is not None else image
    present = {box[0] for box in boxes}
    return Scan(image, {name: int(name in present) for name in CLASSES}, boxes, mask, sources, other, index, bag.field.pitch)


def stream(
    seed: int = 0, prevalence: float = 0.001, size: int = 500, count: int | None = None, *, twins: bool = False, library_seed: int = 0,
    fresh: bool = False, class_weights: Sequence[float] | None = None, more_than_one: float = 0.12, cache: Path | None = None,
    detail: float = 1.0, start: int = 0, step: int = 1, device: Device = "cpu",
) -> Iterator[Scan]:  # fmt: skip
    """Scans as a lane would see them: each holds a threat with probability `prevalence`.

    Reproducible: scan i depends only on (seed, i, size, library_seed), so a stream can be split among workers
    (`start=worker, step=workers`) or continued. For a class-imbalanced set such as SIXray100 use
    `prevalence = 1 / (1 + imbalance)`.

    Fast use (ablations): `stream(seed, 0.1, size=160, cache=Path(".cache/simulator"))`.

    Args:
        seed: the stream.
        prevalence: share of scans with a threat, 0 ... 1.
        size: longest side of the image, pixels.
        count: how many indices to go through (with `start` and `step`); None: without end.
        twins: fill `Scan.twin`.
        library_seed: which objects exist. Training and test streams should differ here as well as in `seed`.
        fresh: make every object anew (slow, endless variety) instead of drawing from a library.
        class_weights: relative frequency of `CLASSES`; even when None.
        more_than_one: share of positive scans with a second threat.
        cache: folder where built libraries are kept.
        detail: size of the library (1: about 520 objects).
        start: first index.
        step: distance between indices.
        device: as in `simulate`.

    Yields:
        `Scan` objects: image uint8 [H, W, 3]; labels {class: 0 / 1}; boxes; mask uint8 [H, W] (0 or 1 + class index).

    Raises:
        ValueError: when prevalence is outside 0 ... 1.
    """
    if not 0 <= prevalence <= 1:
        raise ValueError("prevalence is a probability")
    weights = np.ones(len(CLASSES)) if class_weights is None else np.asarray(class_weights, float)
    shelf = objects(size, library_seed, fresh, cache, detail)
    index = start
    while count is None or index < start + count * step:
        yield simulate(seed, index, draw_threats(seed, index, prevalence, weights, more_than_one), size, shelf, twin=twins, device=device)
        index += step


def draw_threats(seed: int, index: int, prevalence: float, weights: npt.NDArray[np.float64], more_than_one: float = 0.12) -> list[str]:
    """Which classes scan `index` of a stream is to hold: none with probability 1 - prevalence."""
    rng = np.random.default_rng([seed, index, 3])
    if rng.random() >= prevalence:
        return []
    number = 2 if rng.random() < more_than_one else 1
    return [CLASSES[int(k)] for k in rng.choice(len(CLASSES), size=number, p=weights / weights.sum())]
