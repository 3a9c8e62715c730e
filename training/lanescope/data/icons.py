"""Outlines from free icon sets (game-icons CC BY 3.0, Material Design Icons Apache-2.0) as attenuated patches."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np

from lanescope.data.shapes import CANVAS, Part, dim, squash, trim
from lanescope.patch import DISTRACTOR, Patch

PACKAGES = ("@iconify-json/game-icons@1.2.4", "@mdi/svg@7.4.47")

GAME_ICONS = {
    "gun": ("glock", "luger", "colt-m1911", "desert-eagle", "walther-ppk", "pistol-gun", "revolver", "uzi"),
    "knife": (
        "bowie-knife",
        "machete",
        "plain-dagger",
        "broad-dagger",
        "diving-dagger",
        "bone-knife",
        "trench-knife",
        "butterfly-knife",
        "curvy-knife",
        "sacrificial-dagger",
    ),
    "wrench": ("wrench", "spanner", "monkey-wrench"),
    "pliers": ("pincers",),
    "scissors": ("scissors", "shears"),
    DISTRACTOR: (
        "screwdriver",
        "claw-hammer",
        "flat-hammer",
        "key",
        "house-keys",
        "car-key",
        "fountain-pen",
        "belt-buckles",
        "big-gear",
        "gears",
        "screw",
        "spoon",
        "wine-bottle",
        "water-bottle",
        "sunglasses",
        "pocket-watch",
        "smartphone",
        "headphones",
        "umbrella",
        "corkscrew",
        "padlock-open",
        "coins",
        "steering-wheel",
        "soldering-iron",
        "syringe",
        "microphone",
        "stopwatch",
        "perfume-bottle",
        "spring",
        "ring",
    ),
}
MDI = {
    "gun": ("pistol",),
    "knife": ("knife", "knife-military"),
    "wrench": ("wrench",),
    "pliers": ("pliers",),
    "scissors": ("content-cut", "scissors-cutting"),
    DISTRACTOR: (
        "screwdriver",
        "hammer",
        "key",
        "pen",
        "umbrella-closed",
        "silverware-spoon",
        "silverware-fork",
        "glasses",
        "toothbrush",
        "lighter",
        "usb-flash-drive",
        "bottle-soda",
        "watch",
        "flashlight",
    ),
}


def fetch(destination: Path) -> dict[str, tuple[str, str, float]]:
    """Fetch the icon packages with npm, once.

    Returns:
        "set/name" -> (label, SVG path data, view box side). Cached as `icons.json`.
    """
    target = destination / "icons.json"
    if target.exists():
        return {name: (row[0], row[1], float(row[2])) for name, row in json.loads(target.read_text()).items()}
    found: dict[str, tuple[str, str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", *PACKAGES], cwd=folder, check=True, capture_output=True)
        for archive_file in sorted(Path(folder).glob("*.tgz")):
            with tarfile.open(archive_file) as archive:
                if "game-icons" in archive_file.name:
                    member = archive.extractfile("package/icons.json")
                    assert member is not None
                    icons = json.load(member)["icons"]
                    for label, names in GAME_ICONS.items():
                        for name in names:
                            if name in icons:
                                found[f"game-icons/{name}"] = (label, " ".join(re.findall(r'\bd="([^"]+)"', icons[name]["body"])), 512.0)
                else:
                    for label, names in MDI.items():
                        for name in names:
                            try:
                                member = archive.extractfile(f"package/svg/{name}.svg")
                            except KeyError:
                                continue
                            assert member is not None
                            found[f"mdi/{name}"] = (label, " ".join(re.findall(r'\bd="([^"]+)"', member.read().decode())), 24.0)
    destination.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found))
    return found


def outline(path_data: str, side: float) -> np.ndarray:
    """Rasterise SVG path data (even-odd) on the drawing canvas; uint8 mask."""
    from svgelements import Move
    from svgelements import Path as SvgPath

    contours: list[np.ndarray] = []
    scale = (CANVAS - 20) / side
    for subpath in SvgPath(path_data).as_subpaths():
        piece = SvgPath(subpath)
        points: list[tuple[float, float]] = []
        for segment in piece:
            if isinstance(segment, Move):
                continue
            steps = 2 if type(segment).__name__ in ("Line", "Close") else 8
            for t in np.linspace(0, 1, steps):
                p = segment.point(float(t))
                if p is not None:
                    points.append((p.x * scale + 10, p.y * scale + 10))
        if len(points) > 2:
            contours.append(np.round(np.array(points) * 16).astype(np.int32))
    mask = np.zeros((CANVAS, CANVAS), np.uint8)
    if contours:
        cv2.fillPoly(mask, contours, 255, cv2.LINE_AA, 4)
    return mask


def make_patches(icons: dict[str, tuple[str, str, float]], variants: int, rng: np.random.Generator, longest: int = 192) -> list[Patch]:
    """Attenuated patches of every icon: steel of random thickness, with an organic handle on one end of some."""
    patches = []
    for name, (label, data, side) in icons.items():
        mask = outline(data, side)
        if (mask > 127).sum() < 300:
            continue
        for _ in range(variants):
            thick = label in ("gun", "wrench", "pliers")
            parts = [Part(mask, "thick_steel" if thick else "steel", rng.uniform(0.5, 1.8), rng.uniform(0.1, 0.6))]
            if label != "gun" and rng.random() < 0.5:
                # The end of the long axis that is wider is most often the handle, but not always: either, by chance.
                points = np.argwhere(mask > 127).astype(np.float32)
                axis = np.linalg.svd(points[::7] - points.mean(0), full_matrices=False)[2][0] * rng.choice([-1, 1])
                ys, xs = np.mgrid[0:CANVAS, 0:CANVAS]
                along = (ys - points[:, 0].mean()) * axis[0] + (xs - points[:, 1].mean()) * axis[1]
                limit = np.quantile(along[mask > 127], rng.uniform(0.5, 0.7))
                handle = np.where(along > limit, mask, 0).astype(np.uint8)
                parts = [
                    Part(cv2.subtract(mask, handle), parts[0].material, parts[0].thickness, parts[0].rounded),
                    Part(handle, str(rng.choice(["plastic", "rubber"])), rng.uniform(0.5, 1.3), 0.5),
                ]
            transmission, silhouette = dim(squash(parts, rng), rng)
            patches.append(trim(Patch(transmission, silhouette, label, f"icon:{name}"), longest))
    return patches
