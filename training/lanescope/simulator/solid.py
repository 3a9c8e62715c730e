"""Solids as planar polygon faces, in millimetres: extruded outlines, terraced height maps, revolved profiles, meshes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from . import materials

Array = npt.NDArray[np.float64]


@dataclass
class Solid:
    """Faces given by their directed edges (counter-clockwise seen from outside; holes clockwise), so no triangulation is needed."""

    start: Array  # [E, 3] mm
    end: Array  # [E, 3] mm
    face: npt.NDArray[np.int64]  # [E] index of the edge's face
    normal: Array  # [F, 3], unit, outward
    point: Array  # [F, 3], any point of the face's plane
    material: npt.NDArray[np.int64]  # [F]
    wall: Array  # [F] mm; 0 = face of a closed solid, > 0 = a sheet of that thickness (for meshes that are not closed)

    def moved(self, rotation: Array | None = None, shift: Sequence[float] = (0, 0, 0)) -> Solid:
        """Rotated (3 x 3), then shifted (mm)."""
        turn = np.eye(3) if rotation is None else np.asarray(rotation, float)
        by = np.asarray(shift, float)
        return Solid(
            self.start @ turn.T + by,
            self.end @ turn.T + by,
            self.face,
            self.normal @ turn.T,
            self.point @ turn.T + by,
            self.material,
            self.wall,
        )

    def scaled(self, factor: float) -> Solid:
        """Evenly scaled about the origin (walls too)."""
        return Solid(self.start * factor, self.end * factor, self.face, self.normal, self.point * factor, self.material, self.wall * factor)

    def centred(self) -> Solid:
        """Shifted so that the bounding box's centre is the origin."""
        return self.moved(shift=-(self.start.min(0) + self.start.max(0)) / 2)

    def size(self) -> Array:
        """Bounding box, mm [3]."""
        extent: Array = self.start.max(0) - self.start.min(0)
        return extent


def merge(parts: Sequence[Solid]) -> Solid:
    """One solid of several; where they overlap their thicknesses add."""
    offsets = np.cumsum([0] + [len(part.normal) for part in parts[:-1]])
    return Solid(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.face + o for p, o in zip(parts, offsets, strict=True)]),
        np.concatenate([p.normal for p in parts]),
        np.concatenate([p.point for p in parts]),
        np.concatenate([p.material for p in parts]),
        np.concatenate([p.wall for p in parts]),
    )


def from_faces(loops: Sequence[Array], material: str, wall: float = 0.0) -> Solid:
    """A solid of single-loop planar faces, each float [n, 3] mm, counter-clockwise from outside. Faces without area are dropped."""
    start: list[Array] = []
    end: list[Array] = []
    face: list[npt.NDArray[np.int64]] = []
    normal: list[Array] = []
    point: list[Array] = []
    for loop in loops:
        following = np.roll(loop, -1, 0)
        vector = np.cross(loop, following).sum(0)
        length = np.linalg.norm(vector)
        if length < 1e-9:
            continue
        face.append(np.full(len(loop), len(normal)))
        start.append(loop)
        end.append(following)
        normal.append(vector / length)
        point.append(loop.mean(0))
    count = len(normal)
    return Solid(
        np.concatenate(start), np.concatenate(end), np.concatenate(face), np.array(normal), np.array(point),
        np.full(count, materials.index(material)), np.full(count, wall),
    )  # fmt: skip


def prism(loops: Sequence[Array], z0: float, z1: float, material: str) -> Solid:
    """Polygon with holes, float [n, 2] mm a loop (outer counter-clockwise, holes clockwise), extruded from z0 to z1."""
    a = np.concatenate(loops)
    b = np.concatenate([np.roll(loop, -1, 0) for loop in loops])
    n = len(a)

    def at(points: Array, z: float) -> Array:
        return np.concatenate([points, np.full((len(points), 1), z)], 1)

    a0, b0, a1, b1 = at(a, z0), at(b, z0), at(a, z1), at(b, z1)
    sides = np.arange(n) + 2
    along = b - a
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    outward = np.concatenate([along[:, 1:] / length, -along[:, :1] / length, np.zeros((n, 1))], 1)
    return Solid(
        np.concatenate([a1, b0, a0, b0, b1, a1]),
        np.concatenate([b1, a0, b0, b1, a1, a0]),
        np.concatenate([np.zeros(n, int), np.ones(n, int), sides, sides, sides, sides]),
        np.concatenate([[[0, 0, 1.0]], [[0, 0, -1.0]], outward]),
        np.concatenate([a1[:1], a0[:1], a0]),
        np.full(n + 2, materials.index(material)),
        np.zeros(n + 2),
    )


def box(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, material: str) -> Solid:
    """An upright box, mm."""
    return prism([np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)], z0, z1, material)


def circle(radius: float, count: int = 28, centre: tuple[float, float] = (0, 0), hole: bool = False) -> Array:
    """A circle as a loop, clockwise when it is a hole."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) * (-1 if hole else 1)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], 1)


def revolve(profile: Sequence[tuple[float, float]], material: str, segments: int = 24, squash: float = 1.0) -> Solid:
    """Surface of revolution about z of (radius, z) points; `squash` scales y. A profile that starts and ends at radius 0
    going up in z is solid; one that returns down inside is a hollow vessel."""
    points = np.array(profile, float)
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle) * squash], 1)
    loops = []
    for (r0, z0), (r1, z1) in pairwise(points):
        for i in range(segments):
            u, v = ring[i], ring[(i + 1) % segments]
            corners = [(*(u * r0), z0), (*(v * r0), z0), (*(v * r1), z1), (*(u * r1), z1)]
            if r0 < 1e-6:
                corners = corners[1:]
            elif r1 < 1e-6:
                corners = corners[:3]
            loops.append(np.array(corners, float))
    return from_faces(loops, material)


X_AXIS = np.array([[0, 0, 1.0], [0, 1.0, 0], [-1.0, 0, 0]])
"""Turns a solid made along z to lie along x."""


def outline(mask: npt.NDArray[np.bool_], per_mm: float, origin: tuple[float, float], tolerance: float = 0.6) -> list[Array]:
    """Boundary loops of a mask drawn at `per_mm` pixels a millimetre, in mm about `origin` (pixels)."""
    contours, hierarchy = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    loops = []
    for contour, links in zip(contours, hierarchy[0] if hierarchy is not None else [], strict=True):
        points = cv2.approxPolyDP(contour, tolerance, True)[:, 0].astype(float)
        if len(points) < 3:
            continue
        following = np.roll(points, -1, 0)
        area = float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())
        if abs(area) < 8:
            continue
        is_hole = links[3] >= 0
        if (area < 0) != is_hole:
            points = points[::-1]
        loops.append((points - np.array(origin)) / per_mm)
    return loops


def terraced(
    height: npt.NDArray[np.floating], per_mm: float, origin: tuple[float, float], material: str,
    levels: int = 6, z: float = 0.0, flat: bool = False,
) -> Solid:  # fmt: skip
    """A height map (mm of thickness) as a stack of prisms, symmetric about `z` (or standing on it when `flat`).

    Blades, forged tools and mouldings are drawn as height maps: everything a file and a grinder can make.
    """
    top = float(height.max())
    steps = np.concatenate([[0.0], np.linspace(top / levels, top, levels)])
    parts = []
    for low, high in pairwise(steps):
        # The slab reaches up to `high` where the map is at least half-way there.
        loops = outline(height > (low + high) / 2 if low > 0 else height > min(top * 0.02, 0.05), per_mm, origin)
        if not loops:
            continue
        if flat:
            parts.append(prism(loops, z + low, z + high, material))
        elif low == 0:
            parts.append(prism(loops, z - high / 2, z + high / 2, material))
        else:
            parts.append(prism(loops, z + low / 2, z + high / 2, material))
            parts.append(prism(loops, z - high / 2, z - low / 2, material))
    if not parts:
        raise ValueError("an empty height map makes no solid")
    return merge(parts)


def rotation(rng: np.random.Generator, tilt: float | None = None) -> Array:
    """A random rotation: uniform over all poses, or, with `tilt` (radians, standard deviation), lying nearly flat."""
    if tilt is None:
        q = rng.normal(size=4)
        w, x, y, z = q / np.linalg.norm(q)
        return np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ])  # fmt: skip
    spin, way, lean = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi), rng.normal(0, tilt)
    face = np.diag([1.0, 1.0, 1.0]) if rng.random() < 0.5 else np.diag([1.0, -1.0, -1.0])
    axis = np.array([np.cos(way), np.sin(way), 0.0])
    return about(axis, lean) @ about(np.array([0, 0, 1.0]), spin) @ face


def about(axis: Array, angle: float) -> Array:
    """Rotation matrix about a unit axis (Rodrigues)."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turned: Array = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)
    return turned
