"""Belt frames of several bags: threats projected at their own scale into one bag, found bag by bag against found in one look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lanescope.data.bags import Annotated, annotated_scans, cut_located, read_annotated
from lanescope.data.compose import Palette, find_place, project, warp_patch
from lanescope.data.cutouts import cut, is_one_thing
from lanescope.data.scans import in_parallel
from lanescope.measure.resampling import wilson
from lanescope.patch import CLASSES, Patch
from lanescope.preprocess import Located, Look, NoBagError, Prepared, crop_and_flatten, locate, pad
from lanescope.protocols import Figure
from lanescope.scoring import Model
from lanescope.whole_scans import WholeScan, score_scans

FRAME_SCALE = 1400 / 1725
"""The frames at hand were reduced from 1725 to 1400 pixels' width; the cut-outs come from scans that were not."""
GREY_BELOW = 240
"""Cut-outs come from scans on a ground darker than this: the machine that made the frames."""
EACH = 40


def one_look(image: np.ndarray, side: int) -> list[Prepared]:
    """The whole of a frame in one look: what `bag-2` would be without its sixth step."""
    located = locate(image)
    whole = Located((located.box,), located.background, located.statistics)
    crop = crop_and_flatten(image, whole.box, whole.background, side)
    square, offset = pad(crop, side)
    return [Prepared(square, Look(whole.box, 0), whole, offset, (crop.shape[1], crop.shape[0]), (image.shape[1], image.shape[0]))]


def _own_scale(scan: Annotated) -> list[Patch]:
    """A scan's boxed objects cut out at its own pixels."""
    image = read_annotated(scan)
    try:
        located = locate(image)
    except NoBagError:
        return []
    if len(located.bags) > 1 or located.background.mean() >= GREY_BELOW:
        return []
    x0, y0, x1, y1 = located.box
    found = []
    for bag in cut_located(scan, image, located, (max(image.shape[:2]),))[0]:
        scale = max(x1 - x0, y1 - y0) / max(bag.pixels.shape[:2])
        for label, box in bag.objects:
            patch = cut(bag.pixels, box, label, bag.name)
            if patch is not None and is_one_thing(patch):
                found.append(replace(patch, source=f"{max(patch.mask.shape) * scale * FRAME_SCALE:.1f}"))
    return found


def project_into(image: np.ndarray, patch: Patch, rng: np.random.Generator) -> np.ndarray | None:
    """A frame with a threat in one of its bags; None where it finds no place. `patch.source` holds its long side in the frame's pixels."""
    located = locate(image)
    bags = [bag for bag in located.bags if min(bag[2] - bag[0], bag[3] - bag[1]) > 80]
    if not bags:
        return None
    x0, y0, x1, y1 = bags[int(rng.integers(len(bags)))]
    ground = located.background.astype(np.float32)
    region = np.minimum(image[y0:y1, x0:x1].astype(np.float32) / ground, 1)
    side = max(region.shape[:2])
    canvas = np.ones((side, side, 3), np.float32)
    canvas[: region.shape[0], : region.shape[1]] = region
    warped, coverage = warp_patch(patch, float(patch.source), rng)
    place = find_place(canvas.min(axis=2) < 0.96, coverage, rng)
    if place is None:
        return None
    project(canvas, warped, *place, Palette(0.0, np.ones(3, np.float32)), 1.0)
    out = image.copy()
    out[y0:y1, x0:x1] = np.clip(canvas[: region.shape[0], : region.shape[1]] * ground + 0.5, 0, 255).astype(np.uint8)
    return out


def evaluate_frames(model: Model, root: Path, split: str = "test") -> Iterator[Figure]:
    """Share of projected threats in alarm for their class, bag by bag and in one look."""
    scans = [scan for scan in annotated_scans(root) if scan.split == split]
    patches = [p for made in in_parallel(_own_scale, [s for s in scans if s.source == "sixray" and s.boxes]) for p in made]
    frames = in_parallel(read_annotated, [s for s in scans if s.source == "frame"])
    for c, label in enumerate(CLASSES):
        mine = [p for p in patches if p.label == label]
        if len(mine) < 5 or not frames:
            continue
        rng = np.random.default_rng(20261128 + c)
        made: list[np.ndarray] = []
        for attempt in range(EACH * 4):
            if len(made) == EACH:
                break
            found = project_into(frames[attempt % len(frames)], mine[int(rng.integers(len(mine)))], rng)
            if found is not None:
                made.append(found)
        alarm = model.manifest["thresholds"][label]["alarm"]
        for key, words, answers in (
            ("by-bag", "bag by bag", score_scans(model, made)),
            ("one-look", "in one look at the whole frame", score_scans(model, made, one_look)),
        ):
            hits = sum(_found(answer, c, alarm) for answer in answers)
            what = f"{label} of held-out scans projected at its own scale into a bag of a held-out belt frame: in alarm for it, {words}"
            yield Figure(f"frames.{label}.{key}", what, hits / len(made), wilson(hits, len(made)), f"{hits}/{len(made)}", None)


def _found(answer: WholeScan | None, c: int, alarm: float) -> bool:
    return answer is None or bool(answer.fused[c] >= alarm)
