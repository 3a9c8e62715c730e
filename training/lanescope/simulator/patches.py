"""Rendered threats and distractors as display transmissions, for projection into real benign bags.

`python -m lanescope.simulator.patches --out FILE.npz` renders a library of them.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lanescope.patch import CLASSES, DISTRACTOR, Patch

from . import catalogue, colour, project, solid
from .clutter import clutter
from .threats import threat

SILHOUETTE = 0.02
"""A pixel belongs to the object where its high-energy attenuation is above this."""


@dataclasses.dataclass
class RenderedPatch(Patch):
    """A patch that knows its scale."""

    mm_per_px: float
    """Pixel pitch in millimetres."""


Maker = Callable[[str, np.random.Generator], tuple[solid.Solid, str]]


def model(label: str, rng: np.random.Generator) -> tuple[solid.Solid, str]:
    """A new object of a class (or "distractor"), centred, not yet posed, with its source name."""
    return clutter(rng) if label == DISTRACTOR else threat(label, rng)


def mesh_model(fold: int) -> Maker:
    """Like `model`, from the meshes of a fold; raises ValueError for a label that the fold has no mesh of."""

    def made(label: str, rng: np.random.Generator) -> tuple[solid.Solid, str]:
        names = catalogue.of(catalogue.EVERYDAY if label == DISTRACTOR else label, fold)
        if not names:
            raise ValueError(f"no mesh of {label} in fold {fold}")
        name = names[int(rng.integers(len(names)))]
        return catalogue.make(name, rng), f"mesh:{name}"

    return made


def pose(rng: np.random.Generator) -> np.ndarray:
    """How things lie in a bag: mostly near flat, a fifth in any pose at all; rotation matrix [3, 3]."""
    return solid.rotation(rng, None if rng.random() < 0.2 else 0.4)


def random_scanner(rng: np.random.Generator) -> colour.Scanner:
    """One of the scanners with its gain and hue anchors varied a little."""
    base = colour.SCANNERS[int(rng.integers(len(colour.SCANNERS)))]
    anchors = np.array(base.z_anchors) + rng.normal(0, 0.25) + np.array([0, 0.2, 0.4, 0.6, 0.9]) * rng.normal(0, 0.7)
    anchors = np.maximum.accumulate(anchors + np.arange(5) * 1e-3)
    a, b, c, d, e = anchors.tolist()
    return dataclasses.replace(base, gain=base.gain * float(rng.uniform(0.85, 1.3)), z_anchors=(a, b, c, d, e))


def render_patch(
    label: str, rng: np.random.Generator, longest_px: int = 300, scanner: colour.Scanner | None = None, mm_per_px: float | None = None,
    make: Maker = model, device: project.Device = "cpu",
) -> RenderedPatch:  # fmt: skip
    """Render one object in a random pose.

    The colours are those the scanner would give the object alone on its background. Multiplying them into another scan is the display's
    approximation of threat image projection; `stream` adds attenuations instead, which is exact.

    Args:
        label: one of `CLASSES` or "distractor".
        rng: source of the model, its pose and (when `scanner` is None) the scanner.
        longest_px: longest side of the patch in pixels; ignored when `mm_per_px` is given.
        scanner: palette and blur; random when None.
        mm_per_px: pixel pitch to render at.
        make: where objects come from.
        device: where to project and colour.

    Returns:
        the patch: transmission float32 [H, W, 3] in [1/255, 1]; mask bool [H, W]; source such as "shape:pistol".

    Raises:
        ValueError: for a label that is not known.
    """
    if label not in (*CLASSES, DISTRACTOR):
        raise ValueError(f"no such label: {label}")
    machine = scanner or random_scanner(rng)
    machine = dataclasses.replace(machine, background=(255, 255, 255))
    for _ in range(20):
        thing, source = make(label, rng)
        posed = thing.moved(pose(rng))
        pitch = mm_per_px or float(posed.size()[:2].max()) / (longest_px - 4)
        mm, indices, _ = project.thickness(posed, pitch, device=device)
        attenuation = project.attenuation(mm, indices)
        mask = attenuation[1] > SILHOUETTE
        # A blade exactly edge-on is one pixel wide: nobody could find it, so it teaches nothing.
        if label == DISTRACTOR or mask.sum() > 0.02 * max(mask.shape) ** 2:
            break
    # Blur is the scanner's own (about a pixel at 1 mm), so it shrinks with the pitch.
    measured = colour.detect(attenuation, machine, None, blur_px=machine.blur_px * min(1.0 / pitch, 1.5))
    rgb = colour.pseudo_colour(measured, machine)
    rgb[~mask & (attenuation[1] < 1e-3)] = 255
    transmission = rgb.cpu().numpy().clip(1).astype(np.float32) / np.float32(255.0)
    return RenderedPatch(transmission, mask.cpu().numpy(), label, source, pitch)


def library(per_class: int, distractors: int, seed: int = 0, longest_px: int = 300, labels: Sequence[str] = CLASSES) -> list[RenderedPatch]:
    """`per_class` patches of each label and `distractors` distractors, each from its own seed (adding more changes none)."""
    wanted = [(label, i) for label in labels for i in range(per_class)] + [(DISTRACTOR, i) for i in range(distractors)]
    order = (*CLASSES, DISTRACTOR)
    return [render_patch(label, np.random.default_rng([seed, order.index(label), i]), longest_px) for label, i in wanted]


FOLDS = (0, 1, 2, 2, 2, 2)
"""Fold of the patch at position i, i % 6: the training bank deals a file's patches to validation, test and training by just that."""


def mesh_library(count: int, seed: int = 0, longest_px: int = 300, device: project.Device = "cpu") -> list[RenderedPatch]:
    """`count` patches of meshes: at each position a mesh of that split's fold, so no mesh is seen in two splits.

    Half are everyday things; the threats' classes take turns among those the fold has.
    """
    patches = []
    for i in range(count):
        fold, rng = FOLDS[i % len(FOLDS)], np.random.default_rng([seed, 77, i])
        held = [label for label in CLASSES if catalogue.of(label, fold)]
        turn = i // len(FOLDS) * FOLDS.count(fold) + FOLDS[: i % len(FOLDS)].count(fold)
        label = held[turn // 2 % len(held)] if held and turn % 2 == 0 else DISTRACTOR
        patches.append(render_patch(label, rng, longest_px, make=mesh_model(fold), device=device))
    return patches


def save(path: Path, patches: Sequence[RenderedPatch]) -> None:
    """Write `transmissions` (uint8 [H, W, 3], 255 = clear) and `masks` as object arrays with `labels`, `sources`, `mm_per_px`."""

    def ragged(items: list[np.ndarray]) -> np.ndarray:
        array = np.empty(len(items), object)
        array[:] = items
        return array

    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        transmissions=ragged([np.round(p.transmission * 255).astype(np.uint8) for p in patches]),
        masks=ragged([p.mask for p in patches]),
        labels=np.array([p.label for p in patches]),
        sources=np.array([p.source for p in patches]),
        mm_per_px=np.array([p.mm_per_px for p in patches], np.float32),
    )


def load(path: Path) -> list[RenderedPatch]:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=True) as data:
        return [
            RenderedPatch(t.astype(np.float32) / 255.0, m, str(label), str(source), float(pitch))
            for t, m, label, source, pitch in zip(
                data["transmissions"], data["masks"], data["labels"], data["sources"], data["mm_per_px"], strict=True
            )
        ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-class", type=int, default=250)
    parser.add_argument("--distractors", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=int, default=300)
    parser.add_argument("--meshes", type=int, help="this many renders of meshes, dealt to the splits, instead of drawn models")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.meshes is not None:
        patches = mesh_library(args.meshes, args.seed, args.longest, args.device)
    else:
        patches = library(args.per_class, args.distractors, args.seed, args.longest)
    save(args.out, patches)
    print(f"{len(patches)} patches in {args.out}")


if __name__ == "__main__":
    main()
