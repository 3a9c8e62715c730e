"""A library of objects already posed and projected: adding one to a bag is then one warp, and adding is exact for parallel rays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lanescope.patch import CLASSES

from . import catalogue, project
from .clutter import clutter
from .models import large
from .patches import pose
from .sketch import Rng
from .soft import Noise, cable, chain, clothes, underwire
from .solid import Solid, rotation
from .threats import threat

VERSION = 5
"""Part of the cache's key: raise it when a model, a pose rule or the physics changes."""


@dataclass
class Sprite:
    """One object in one pose."""

    attenuation: npt.NDArray[np.floating]  # float16 [2, h, w], low and high energy
    label: str  # one of CLASSES, or "" when harmless
    source: str  # e.g. "shape:pistol"


MESH, MESH_SHARE = "mesh", 0.35
"""The kind of everyday things made from meshes, and the share of a class's threats that are, where the fold has a mesh of it."""

"""kind: (maker, how flat it lies in radians (None: any pose), copies in a library of detail 1)."""
BULKY: dict[str, tuple[Callable[[Rng], Solid], float | None, int]] = {
    "laptop": (large.laptop, 0.12, 5), "phone": (large.phone, 0.5, 5), "charger": (large.charger, 0.8, 6), 
    "bottle": (large.bottle, None, 12),
    "can": (large.drink_can, None, 5), "shoe": (large.shoe, 0.8, 12), "umbrella": (large.umbrella, None, 6), "book": (large.book, 0.3, 8),
    "tube": (large.tube, 0.5, 6), "parcel": (large.parcel, 0.4, 10), "fruit": (large.fruit, None, 4), 
    "hair_dryer": (large.hair_dryer, 0.6, 4),
    "camera": (large.camera, 0.6, 4), "glasses": (large.glasses, 0.5, 5),
}  # fmt: skip
SOFT: dict[str, tuple[Callable[[Rng, float], npt.NDArray[np.float32]], int]] = {
    "cable": (cable, 10),
    "chain": (chain, 4),
    "underwire": (underwire, 3),
}


def render(thing: Solid, turn: npt.NDArray[np.float64], pitch: float) -> npt.NDArray[np.float32]:
    """Attenuation float32 [2, h, w] of a solid in a pose (rotation [3, 3])."""
    posed = thing.moved(turn)
    mm, indices, _ = project.thickness(posed, pitch, oversample=2 if pitch < 2.5 else 3)
    return project.attenuation(mm, indices).numpy()


def make(kind: str, rng: Rng, pitch: float, noise: Noise, fold: int | None = None) -> Sprite:
    """One new object of a kind (a class, "clutter", "clothes", `MESH`, or a key of `BULKY` or `SOFT`) at `pitch` mm a pixel.

    `fold` says which meshes exist (`catalogue.fold_of`); None: none, drawn models alone.

    Raises:
        ValueError: for a kind that is not known.
    """
    if kind == "clothes":
        return Sprite(clothes(rng, noise, pitch), "", "shape:clothes")
    if kind in SOFT:
        return Sprite(SOFT[kind][0](rng, pitch), "", f"shape:{kind}")
    if kind in BULKY:
        maker, tilt, _ = BULKY[kind]
        return Sprite(render(maker(rng).centred(), rotation(rng, tilt), pitch), "", f"shape:{kind}")
    if kind == "clutter":
        thing, source = clutter(rng)
        return Sprite(render(thing, pose(rng), pitch), "", source)
    if fold is not None and (kind == MESH or (kind in CLASSES and catalogue.of(kind, fold) and rng.random() < MESH_SHARE)):
        names = catalogue.of(catalogue.EVERYDAY if kind == MESH else kind, fold)
        name = names[int(rng.integers(len(names)))]
        return Sprite(render(catalogue.make(name, rng), pose(rng), pitch), "" if kind == MESH else kind, f"mesh:{name}")
    if kind in CLASSES:
        thing, source = threat(kind, rng)
        return Sprite(render(thing, pose(rng), pitch), kind, source)
    raise ValueError(f"no such kind of object: {kind}")


class Library:
    """Objects by kind at one pitch."""

    def __init__(self, sprites: dict[str, list[Sprite]], pitch: float, noise: Noise) -> None:
        self.sprites, self.pitch, self.noise = sprites, pitch, noise

    def holds(self, kind: str) -> bool:
        """There are things of the kind (not so of `MESH`, when meshes were not asked for)."""
        return kind in self.sprites

    def draw(self, kind: str, rng: Rng) -> Sprite:
        """A random one of the kind."""
        shelf = self.sprites[kind]
        return shelf[int(rng.integers(len(shelf)))]


class Workshop(Library):
    """Makes every object anew: slower (about 50 ms an object), never the same twice. For demos and final test sets."""

    def __init__(self, pitch: float, seed: int = 0, meshes: bool = True) -> None:
        super().__init__({}, pitch, Noise(np.random.default_rng([seed, 99])))
        self.fold = catalogue.fold_of(seed) if meshes else None

    def holds(self, kind: str) -> bool:
        """It can make any kind, meshes only if they were asked for."""
        return kind != MESH or self.fold is not None

    def draw(self, kind: str, rng: Rng) -> Sprite:
        """A new one of the kind."""
        return make(kind, np.random.default_rng(rng.integers(2**63)), self.pitch, self.noise, self.fold)


def _counts(detail: float, meshes: bool) -> dict[str, int]:
    counts = {kind: copies for kind, (_, _, copies) in BULKY.items()} | {kind: copies for kind, (_, copies) in SOFT.items()}
    counts |= {"clothes": 40, "clutter": 90} | {label: 60 for label in CLASSES} | ({MESH: 70} if meshes else {})
    return {kind: max(round(copies * detail), 2) for kind, copies in counts.items()}


@lru_cache(maxsize=4)
def library(pitch: float, seed: int = 0, detail: float = 1.0, cache: Path | None = None, meshes: bool = True) -> Library:
    """Build (or read from `cache`) a library.

    Args:
        pitch: mm a pixel.
        seed: another seed, other objects: use one for training and another for testing, so that no model is seen in both.
        detail: scales how many of each kind; 1 is about 590 objects, some 20 s to build, then cached.
        cache: folder for the built library; None keeps it in memory only.
        meshes: also the meshes of the seed's fold.
    """
    noise = Noise(np.random.default_rng([seed, 99]))
    counts, fold = _counts(detail, meshes), catalogue.fold_of(seed) if meshes else None
    key = hashlib.sha256(repr((VERSION, round(pitch, 6), seed, sorted(counts.items()))).encode()).hexdigest()[:16]
    path = cache / f"library-{key}.npz" if cache else None
    if path and path.exists():
        with np.load(path, allow_pickle=False) as data:
            sprites: dict[str, list[Sprite]] = {kind: [] for kind in counts}
            for i, (kind, label, source) in enumerate(data["index"]):
                sprites[str(kind)].append(Sprite(data[f"a{i}"], str(label), str(source)))
        return Library(sprites, pitch, noise)
    sprites = {}
    for number, kind in enumerate(counts):
        shelf = [make(kind, np.random.default_rng([seed, number, i]), pitch, noise, fold) for i in range(counts[kind])]
        for sprite in shelf:
            sprite.attenuation = np.minimum(sprite.attenuation, 6e4).astype(np.float16)
        sprites[kind] = shelf
    if path:
        flat = [(kind, sprite) for kind, shelf in sprites.items() for sprite in shelf]
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.stem}-{np.random.default_rng().integers(1 << 40)}.part.npz")
        np.savez_compressed(
            partial,
            index=np.array([(kind, s.label, s.source) for kind, s in flat]),
            **{f"a{i}": s.attenuation for i, (_, s) in enumerate(flat)},  # type: ignore[arg-type]
        )
        partial.replace(path)  # whole or not at all: two processes may build the same library
    return Library(sprites, pitch, noise)
