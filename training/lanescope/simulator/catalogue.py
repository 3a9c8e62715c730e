"""Which meshes of other people the simulator uses: where each comes from, under what licence, what its parts are made of.

The thinned meshes are committed (`assets/meshes.npz`), so a bag is the same on every machine, with or without Debian's packages.
`python -m lanescope.simulator.catalogue` makes that file anew from Debian's `sweethome3d-furniture`, and prints the attribution table.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import mesh
from .sketch import Rng, pick
from .solid import Array, Solid, box, merge

ASSET = Path(__file__).parent / "assets" / "meshes.npz"
PACKAGE, ARCHIVES = "sweethome3d-furniture", "usr/share/sweethome3d/furniture"
STEP = 0.1
"""mm: positions are kept as multiples of this, in 16 bits."""
BY, BY_US, CC0 = "CC-BY-3.0", "CC-BY-3.0-US", "CC0-1.0"
EVERYDAY = "everyday"


@dataclass(frozen=True)
class Part:
    """What a part is made of."""

    match: str
    """Regular expression for "object/material" of the OBJ file; the first part that matches takes the faces."""
    stuff: tuple[str, ...]
    """Materials to draw from."""
    wall: tuple[float, float] = (0.0, 0.0)
    """0: closed and solid. Else a shell this thick in mm (a range to draw from): the file models the outside only."""
    fill: tuple[str, ...] = ()
    """What a shell is filled with."""
    deep: tuple[float, float] = (1.0, 1.0)
    """Times as thick as in the file, a range to draw from: modellers draw blades thinner than they are forged."""


@dataclass(frozen=True)
class Model:
    """One object of one file."""

    label: str
    """One of `CLASSES`, or `EVERYDAY`."""
    fold: int
    """0, 1 or 2: a library of seed s holds the meshes of fold s % 3 alone, so no mesh is in two of them."""
    file: str
    """catalogue/folder/file in the package; folders are lower case."""
    title: str
    author: str
    licence: str
    longest: tuple[float, float]
    """Longest side, mm, a range to draw from round the catalogue's size."""
    parts: tuple[Part, ...]
    grid: float = 0.6
    """Vertices nearer than this, mm, were made one, which thins fine meshes."""
    inside: tuple[tuple[str, float, float, float, float, float, float], ...] = ()
    """Boxes that the mesh leaves out: (material, x0, x1, y0, y1, z0, z1), shares of the bounding box; x longest, z thinnest."""

    @property
    def url(self) -> str:
        """The licence's address."""
        return {
            BY: "https://creativecommons.org/licenses/by/3.0/",
            BY_US: "https://creativecommons.org/licenses/by/3.0/us/",
            CC0: "https://creativecommons.org/publicdomain/zero/1.0/",
        }[self.licence]


_STEEL, _PLASTIC, _HANDLE = ("stainless", "steel"), ("abs", "nylon"), ("abs", "wood", "nylon", "acetal")
_SHELL = (1.2, 2.2)
_SCOPIA, _KATOR = "Scopia", "Andrew Kator & Jennifer Legaz"


def _stand(object_: str, handle: str, rivets: str) -> tuple[Part, ...]:
    blade = Part(f"Plane.{object_}_", _STEEL, deep=(1.0, 1.8))
    return (blade, Part(f"Plane.{handle}_", _HANDLE), Part(f"Circle.0({rivets})_", ("brass", "steel")))


MODELS: dict[str, Model] = {
    # Threats. A class has fewer meshes than folds: the folds without one make do with drawn models.
    "scissors": Model(
        "scissors", 2, "BlendSwap-CC-0/cissors_swap/cissors_swap", "Scissors Cycles Ready", "Celticluis", CC0, (120, 190),
        (Part("/Material.004", _STEEL, deep=(1.2, 2.5)), Part("/Material.002", ("steel",)),
         Part("/Material(.003)?$", ("abs", "nylon", "pvc"))), 0.6,
    ),
    "chef_knife": Model(
        "knife", 2, "BlendSwap-CC-BY/kitchenKnife/kitchenKnife", "Country-Kitchen (knife)", "Jay-Artist", BY, (200, 320),
        (Part("handle", _HANDLE), Part("blade|edge", _STEEL, deep=(0.9, 1.2))), 0.4,
    ),
    "stand_knife_a": Model(
        "knife", 2, "BlendSwap-CC-0/knifeStandSwap/knifeStandSwap", "Knife Stand (1st knife)", "PrinterKiller", CC0, (180, 350),
        _stand("010", "009", "35|36|37"), 0.4,
    ),
    "stand_knife_b": Model(
        "knife", 1, "BlendSwap-CC-0/knifeStandSwap/knifeStandSwap", "Knife Stand (2nd knife)", "PrinterKiller", CC0, (180, 320),
        _stand("013", "012", "38|39|40"), 0.4,
    ),
    "stand_knife_c": Model(
        "knife", 2, "BlendSwap-CC-0/knifeStandSwap/knifeStandSwap", "Knife Stand (3rd knife)", "PrinterKiller", CC0, (180, 320),
        _stand("007", "008", "32|33|34"), 0.7,
    ),
    "set_knife": Model(
        "knife", 0, "Scopia/kitchenKnifeStandSet/kitchenKnifeStandSet", "Knife stand (one knife)", _SCOPIA, BY, (180, 320),
        (Part("knife.002.*SheetMetal", _STEEL, deep=(1.0, 1.8)), Part("knife.002.*Handle", _HANDLE)), 0.4,
    ),
    "cutters": Model(  # long-handled in the catalogue (60 cm); scaled to the hand tool of the same shape
        "pliers", 2, "Scopia/pince-coupante/pince-coupante", "Cutting pliers", _SCOPIA, BY, (170, 280),
        (Part("darkmetal", ("steel",)), Part("painted", ("steel",)), Part("darkplastic", ("pvc", "rubber"))), 0.4,
    ),
    # Tools and metal.
    "hammer": Model(EVERYDAY, 2, "Scopia/marteau/marteau", "Hammer", _SCOPIA, BY, (220, 340),
                    (Part("iron", ("steel",)), Part("handle", ("wood", "nylon")))),
    "driver": Model(EVERYDAY, 2, "Scopia/tournevis/tournevis", "Screwdriver", _SCOPIA, BY, (150, 270),
                    (Part("/metal", ("steel",)), Part("/handle", ("acetal", "abs")))),
    "keys": Model(EVERYDAY, 2, "Scopia/keys/keys", "Keys", _SCOPIA, BY, (90, 125),
                  (Part("chain-last", ("leather", "acetal")), Part("keys-metal", ("brass", "nickel", "steel")),
                   Part("grey", ("steel",))), 0.4),
    "spoon": Model(EVERYDAY, 2, "BlendSwap-CC-BY/spoon/spoon", "Country-Kitchen (spoon)", "Jay-Artist", BY, (150, 210),
                   (Part("", ("stainless",)),), 0.4),
    "fork_b": Model(EVERYDAY, 0, "KatorLegaz/plate-and-ustensils/plate-and-ustensils", "Plate, glass and cutlery (fork)", _KATOR, BY_US,
                    (170, 210), (Part("fork", ("stainless",)),), 0.5),
    "spoon_b": Model(EVERYDAY, 1, "KatorLegaz/plate-and-ustensils/plate-and-ustensils", "Plate, glass and cutlery (spoon)", _KATOR, BY_US,
                     (120, 200), (Part("teaspoon", ("stainless",)),), 0.6),
    "stapler": Model(EVERYDAY, 1, "KatorLegaz/stapler/stapler", "Stapler", _KATOR, BY_US, (90, 140),
                     (Part("METAL", ("steel",), (0.8, 1.2)), Part("PLASTIC", ("abs",), _SHELL)), 1.0,
                     (("steel", 0.1, 0.85, 0.42, 0.58, 0.45, 0.52),)),
    "torch": Model(EVERYDAY, 2, "KatorLegaz/flashlight/flashlight", "Flashlight", _KATOR, BY_US, (110, 200),
                   (Part("CHROME", ("aluminium",), (0.6, 1.0)), Part("GLASS", ("acetal",)), Part("PLASTIC", ("abs",), _SHELL)), 0.7,
                   (("alkaline", 0.34, 0.58, 0.34, 0.66, 0.34, 0.66), ("alkaline", 0.6, 0.84, 0.34, 0.66, 0.34, 0.66))),
    "clothes_hanger": Model(EVERYDAY, 2, "KatorLegaz/clothes-hanger/clothes-hanger", "Clothes hanger", _KATOR, BY_US, (380, 440),
                            (Part("Wood", ("wood", "abs")), Part("Chrome", ("steel",))), 2.0),
    "masher": Model(EVERYDAY, 1, "BlendSwap-CC-BY/kitchenTools/kitchenTools", "Country-Kitchen (masher)", "Jay-Artist", BY, (230, 280),
                    (Part("Masher", ("stainless",)), Part("handle3", ("stainless",), (0.8, 1.2))), 1.5),
    "drill": Model(EVERYDAY, 0, "Scopia/perceuse-electrique/perceuse-electrique", "Drill", _SCOPIA, BY, (200, 260),
                             (Part("Cylinder.001", ("steel",)), Part("textured", ("abs", "nylon"), (2.0, 3.0))), 0.8,
                             (("steel", 0.75, 0.91, 0.52, 0.74, 0.3, 0.7), ("zinc", 0.78, 0.9, 0.76, 0.95, 0.35, 0.65),
                              ("cell", 0.04, 0.19, 0.36, 0.68, 0.2, 0.8))),
    # Worn and carried.
    "watch": Model(EVERYDAY, 2, "Scopia/montre/montre", "Watch", _SCOPIA, BY, (210, 260),
                   (Part("glass", ("glass",), (1.2, 1.8)), Part("chrome|hands", ("stainless",), (0.8, 1.6)),
                    Part("belt", ("leather", "rubber"))), 0.4),
    "sunglasses": Model(EVERYDAY, 0, "BlendSwap-CC-BY/sunglasses/sunglasses", "sun glasses", "Krabz", BY, (135, 165),
                        (Part("Icosphere", ("steel",)), Part("worn", ("acetal",), (1.0, 1.5)),
                         Part("plastic", ("acetal", "nylon"))), 1.2),
    "glasses": Model(EVERYDAY, 2, "Scopia/glasses/glasses", "Glasses", _SCOPIA, BY, (135, 160),
                     (Part("/glass", ("acetal", "glass")), Part("/metal", ("nickel", "steel")),
                      Part("/(black|semitrans)", ("acetal",))), 1.1),
    "sneaker": Model(EVERYDAY, 2, "Scopia/sneakers/sneakers", "Sneakers (one)", _SCOPIA, BY, (250, 310),
                     (Part("Plane/insole-white|Plane.003|Plane.004", ("foam", "cloth")),
                      Part("Plane.005", ("rubber",), (2.0, 3.5), ("foam",)),
                      Part("Plane.00[12]/|plant_", ("leather", "cloth"), (1.5, 2.5))), 1.4),
    "court_shoe": Model(EVERYDAY, 0, "Scopia/woman_shoes/woman_shoes", "Woman shoes (one)", _SCOPIA, BY, (220, 260),
                        (Part("Plane/black-glossy", ("abs", "rubber")), Part("Plane/black", ("leather",), (1.2, 1.8)),
                         Part("Plane/grey", ("leather",), (1.5, 2.0))), 0.6),
    "moccasin": Model(EVERYDAY, 1, "Scopia/mocassin/mocassin", "Mocassin (one)", _SCOPIA, BY, (250, 310),
                      (Part("Plane/sole$", ("leather", "rubber")), Part("Plane/(leather|sole-inside)", ("leather",), (0.9, 1.3))), 0.8),
    "bootie": Model(EVERYDAY, 2, "BlendSwap-CC-0/bootie/bootie", "Bootie (one)", "Cgrifter", CC0, (220, 270),
                    (Part("Boot_.*Heel", ("abs", "wood")), Part("Boot_.*Base", ("leather",), (1.2, 1.8))), 1.5),
    "slipper": Model(EVERYDAY, 1, "BlendSwap-CC-0/slippers/slippers", "Slippers (one)", "Mik1190", CC0, (230, 290),
                     (Part("_L_.*(base|line1)", ("cloth", "cellulose")), Part("_L_.*", ("cloth", "wool"))), 2.0),
    "headphones": Model(EVERYDAY, 2, "BlendSwap-CC-0/headphones/headphones", "Headphones", "Alaskaman", CC0, (170, 210),
                        (Part("/Material.003", ("steel", "aluminium", "abs"), (0.4, 0.8)), Part("/Material.004", ("foam", "cloth")),
                         Part("/Material", ("abs",), _SHELL)), 2.6),
    # Electronics: shells; their boards and cells are added.
    "reflex_camera": Model(EVERYDAY, 2, "Scopia/reflex_camera/reflex_camera", "Reflex camera", _SCOPIA, BY, (120, 155),
                           (Part("objective", ("aluminium", "abs"), (1.6, 2.4)), Part("camera", ("abs", "nylon"), (2.0, 3.0))), 0.8,
                           (("board", 0.84, 0.86, 0.3, 0.85, 0.2, 0.75), ("cell", 0.62, 0.78, 0.66, 0.88, 0.25, 0.5),
                            ("glass", 0.05, 0.1, 0.47, 0.76, 0.15, 0.65), ("glass", 0.3, 0.35, 0.47, 0.73, 0.2, 0.6))),
    "compact_camera": Model(EVERYDAY, 1, "Scopia/basic_camera/basic_camera", "Camera", _SCOPIA, BY, (88, 110),
                            (Part("metallic", ("steel",)), Part("", ("aluminium", "abs"), (0.9, 1.5))), 0.5,
                            (("board", 0.08, 0.9, 0.1, 0.9, 0.3, 0.36), ("cell", 0.08, 0.32, 0.12, 0.85, 0.4, 0.8),
                             ("glass", 0.55, 0.78, 0.3, 0.75, 0.45, 0.7))),
    "joystick": Model(EVERYDAY, 2, "Scopia/ps4-joystick/ps4-joystick", "Joystick", _SCOPIA, BY, (145, 170),
                      (Part("", ("abs",), _SHELL),), 1.1,
                      (("board", 0.25, 0.75, 0.45, 0.9, 0.55, 0.58), ("cell", 0.4, 0.6, 0.5, 0.8, 0.3, 0.45),
                       ("steel", 0.1, 0.18, 0.2, 0.4, 0.4, 0.6), ("steel", 0.82, 0.9, 0.2, 0.4, 0.4, 0.6))),
    "remote": Model(EVERYDAY, 0, "Scopia/tv-remote-control/tv-remote-control", "TV remote control", _SCOPIA, BY, (140, 210),
                    (Part("", ("abs",), _SHELL),), 0.6,
                    (("board", 0.08, 0.92, 0.12, 0.88, 0.6, 0.66), ("alkaline", 0.1, 0.38, 0.2, 0.45, 0.2, 0.6),
                     ("alkaline", 0.1, 0.38, 0.55, 0.8, 0.2, 0.6))),
    # Vessels and toilet things.
    "wine_bottle": Model(EVERYDAY, 2, "KatorLegaz/red-wine-bottle-01/red-wine-bottle-01", "Wine bottle", _KATOR, BY_US, (280, 330),
                         (Part("Beaujolais_bottle", ("glass",)),), 3.6),
    "mug": Model(EVERYDAY, 0, "KatorLegaz/coffee-mug/coffee-mug", "Coffee mug", _KATOR, BY_US, (95, 125), (Part("", ("ceramic",)),), 2.2),
    "medicine": Model(EVERYDAY, 1, "Scopia/medicoscopia_bottle/medicoscopia_bottle", "Medicine bottle", _SCOPIA, BY, (70, 110),
                      (Part("1_1", ("glass", "pet"), (1.5, 2.5), ("water",)), Part("2_2", ("polythene",), _SHELL),
                       Part("3_3", ("glass",), (1.0, 1.6))), 0.6),
    "comb": Model(EVERYDAY, 2, "Scopia/com_bath2_peineta/com_bath2_peineta", "Comb", _SCOPIA, BY, (60, 110),
                  (Part("", ("wood", "acetal", "abs")),), 0.7),
    "marker": Model(EVERYDAY, 1, "BlendSwap-CC-0/textMarker/textMarker", "Text Marker", "Mothome", CC0, (100, 125),
                    (Part("paint", ("cloth",)), Part("", ("polythene", "abs"), _SHELL)), 0.5),
}  # fmt: skip


def fold_of(library_seed: int) -> int:
    """Which meshes exist for a library of this seed (see `Model.fold`)."""
    return library_seed % 3


def of(label: str, fold: int) -> tuple[str, ...]:
    """Names of a label's meshes in a fold; may be empty."""
    return tuple(name for name, model in MODELS.items() if model.label == label and model.fold == fold)


@cache
def _asset() -> dict[str, tuple[Array, mesh.Triangles]]:
    """Every part of every model, by "name.number of the part"."""
    with np.load(ASSET, allow_pickle=False) as stored:
        rows, names, counts = stored["rows"].astype(np.int64), stored["names"].tolist(), stored["counts"].tolist()
    found, at = {}, 0
    for name, (v, t) in zip(names, counts, strict=True):
        found[str(name)] = (rows[at : at + v].cumsum(0) * STEP, _unpacked(rows[at + v : at + v + t]))
        at += v + t
    return found


def _packed(triangles: mesh.Triangles) -> npt.NDArray[np.int16]:
    """Triangles in order, as small differences, which compress to half of what indices do."""
    turned = np.array([np.roll(row, -int(row.argmin())) for row in triangles])
    turned = turned[np.lexsort(turned.T[::-1])]
    small: npt.NDArray[np.int16] = np.column_stack([np.diff(turned[:, 0], prepend=0), turned[:, 1:] - turned[:, :1]]).astype(np.int16)
    return small


def _unpacked(small: mesh.Triangles) -> mesh.Triangles:
    first, *others = small.T
    return np.column_stack([first.cumsum(), *(first.cumsum() + other for other in others)])


def surfaces(name: str) -> tuple[tuple[Array, mesh.Triangles], ...]:
    """A model's cleaned parts in the order of `Model.parts`: vertices [V, 3] mm at its mean size, x longest, z thinnest; triangles [T, 3].

    Raises:
        KeyError: for a name that is not in `MODELS`.
    """
    return tuple(_asset()[f"{name}.{i}"] for i in range(len(MODELS[name].parts)))


def make(name: str, rng: Rng) -> Solid:
    """A new object from a mesh, centred: drawn size, proportions (each axis ±8 %), materials and walls.

    Raises:
        KeyError: for a name that is not in `MODELS`.
    """
    model, parts = MODELS[name], surfaces(name)
    scale = rng.uniform(*model.longest) / (sum(model.longest) / 2) * rng.uniform(0.92, 1.08, 3)
    solids = []
    for part, (vertices, triangles) in zip(model.parts, parts, strict=True):
        wall, shaped = rng.uniform(*part.wall), vertices * scale
        middle = (shaped[:, 2].min() + shaped[:, 2].max()) / 2
        shaped[:, 2] = middle + (shaped[:, 2] - middle) * rng.uniform(*part.deep)
        solids.append(mesh.to_solid(shaped, triangles, pick(rng, *part.stuff), wall))
        if part.fill:
            solids.append(mesh.to_solid(shaped, triangles, pick(rng, *part.fill)))
    corners = np.concatenate([vertices for vertices, _ in parts]) * scale
    low, extent = corners.min(0), np.ptp(corners, axis=0)
    for material, *sides in model.inside:
        x0, x1, y0, y1, z0, z1 = (float(low[i // 2] + share * extent[i // 2]) for i, share in enumerate(sides))
        solids.append(box(x0, x1, y0, y1, z0, z1, material))
    return merge(solids).centred()


def _upright(vertices: Array, triangles: mesh.Triangles) -> Array:
    """Turned so that x is the longest and z the thinnest of the surface's principal axes (a rotation: left stays left)."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    weight = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    middle = (a + b + c) / 3 - np.average((a + b + c) / 3, axis=0, weights=weight)
    axes = np.linalg.eigh((middle * weight[:, None]).T @ middle)[1][:, ::-1]
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    turned: Array = vertices @ axes
    return turned


def prepare(name: str, obj: mesh.Mesh) -> list[tuple[Array, mesh.Triangles]]:
    """A file's faces dealt to the model's parts, turned, scaled, thinned, and closed where they are to be solid.

    Raises:
        ValueError: when a part gets no faces.
    """
    model = MODELS[name]
    part_of = [next((i for i, part in enumerate(model.parts) if re.search(part.match, found)), -1) for found in obj.names]
    dealt = np.array(part_of)[obj.part]
    kept = obj.triangles[dealt >= 0]
    whole = mesh.Mesh(_upright(obj.vertices, kept), kept, dealt[dealt >= 0], ()).fitted(sum(model.longest) / 2)
    surfaces_ = []
    for i, part in enumerate(model.parts):
        vertices, triangles = mesh.welded(whole.vertices, whole.triangles[whole.part == i], model.grid)
        if not len(triangles):
            raise ValueError(f"{name}: no faces match {part.match!r}")
        if part.wall == (0.0, 0.0) or part.fill:
            vertices, triangles = mesh.closed(vertices, triangles)
        used = np.unique(triangles)
        used = used[np.lexsort(vertices[used].T)]
        rank = np.empty(len(vertices), np.int64)
        rank[used] = np.arange(len(used))
        surfaces_.append((vertices[used], rank[triangles]))
    return surfaces_


def fetch(folder: Path) -> Path:
    """Debian's package of furniture meshes, downloaded with apt-get (120 MB) and unpacked, once; the folder of its archives.

    Raises:
        subprocess.CalledProcessError: where apt-get or dpkg-deb fail.
    """
    archives = folder / ARCHIVES
    if not archives.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            subprocess.run(["apt-get", "download", PACKAGE], cwd=scratch, check=True, capture_output=True)
            subprocess.run(["dpkg-deb", "-x", str(next(Path(scratch).glob("*.deb"))), f"{scratch}/whole"], check=True)
            Path(scratch, "whole").rename(folder)
    return archives


def build(archives: Path, out: Path) -> None:
    """Write every model of `MODELS` into `out`: as int16 differences between vertices (in units of `STEP`) and between triangles."""
    rows: list[npt.NDArray[np.int16]] = []
    names: list[str] = []
    counts: list[tuple[int, int]] = []
    read: dict[str, mesh.Mesh] = {}
    for name, model in MODELS.items():
        if model.file not in read:
            archive, path = model.file.split("/", 1)
            with zipfile.ZipFile(archives / f"{archive}.sh3f") as package:
                text = package.read(f"{archive.lower()}/{path}.obj")
            read[model.file] = mesh.read_obj(io.TextIOWrapper(io.BytesIO(text), errors="replace"))
        for i, (vertices, triangles) in enumerate(prepare(name, read[model.file])):
            rows += [np.diff(np.round(vertices / STEP), axis=0, prepend=0).astype(np.int16), _packed(triangles)]
            names.append(f"{name}.{i}")
            counts.append((len(vertices), len(triangles)))
    np.savez_compressed(out, rows=np.concatenate(rows), names=np.array(names), counts=np.array(counts))


def attribution() -> str:
    """The Markdown table of all meshes, for ATTRIBUTION.md."""
    rows = ["| mesh | work | author | licence | file in the package | fold |", "|---|---|---|---|---|---|"]
    rows += [
        f"| `{name}` | {m.title} | {m.author} | [{m.licence}]({m.url}) | `{m.file}.obj` | {m.fold} |" for name, m in sorted(MODELS.items())
    ]
    return "\n".join(rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".cache/meshes"), help="where the package is unpacked")
    parser.add_argument("--out", type=Path, default=ASSET)
    args = parser.parse_args()
    build(fetch(args.cache), args.out)
    print(attribution())


if __name__ == "__main__":
    main()
