"""Triangle meshes: Wavefront OBJ in, cleaned and closed parts out, as solids or sheets the projector understands. No drawing here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import materials
from .solid import Array, Solid

Triangles = npt.NDArray[np.int64]


@dataclass
class Mesh:
    """Triangles in named parts."""

    vertices: Array
    """[V, 3], mm once `fitted`."""
    triangles: Triangles
    """[T, 3] rows of `vertices`, counter-clockwise seen from outside."""
    part: Triangles
    """[T] index into `names`."""
    names: tuple[str, ...]
    """A part's name; from an OBJ file "object/material"."""

    def size(self) -> Array:
        """Bounding box, [3]."""
        extent: Array = np.ptp(self.vertices[np.unique(self.triangles)], axis=0)
        return extent

    def fitted(self, longest: float) -> Mesh:
        """Centred on its bounding box and evenly scaled to `longest` mm."""
        used = self.vertices[np.unique(self.triangles)]
        middle = (used.min(0) + used.max(0)) / 2
        return Mesh((self.vertices - middle) * (longest / float(self.size().max())), self.triangles, self.part, self.names)


def read_obj(lines: Iterable[str]) -> Mesh:
    """Read Wavefront OBJ: `v`, `f` (any polygon, negative indices too), `o` / `g` and `usemtl`; everything else is passed over.

    Raises:
        ValueError: for a file without faces, or a face that names a vertex that is not there.
    """
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    part: list[int] = []
    names: dict[str, int] = {}
    thing = material = ""
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] in ("o", "g"):
            thing = " ".join(words[1:])
        elif words[0] == "usemtl":
            material = " ".join(words[1:])
        elif words[0] == "f":
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            polygon = [number - 1 if number > 0 else len(vertices) + number for number in numbers]
            if any(not 0 <= i < len(vertices) for i in polygon):
                raise ValueError(f"a face names a vertex that is not there: {line.strip()}")
            cut = triangulated(np.array([vertices[i] for i in polygon]))
            triangles += [(polygon[a], polygon[b], polygon[c]) for a, b, c in cut]
            part += [names.setdefault(f"{thing}/{material}", len(names))] * len(cut)
    if not triangles:
        raise ValueError("no faces")
    return Mesh(np.array(vertices), np.array(triangles, np.int64), np.array(part, np.int64), tuple(names))


def triangulated(polygon: Array) -> list[tuple[int, int, int]]:
    """A simple polygon [n, 3], convex or not, cut into n - 2 triangles by clipping ears in the plane of its mean (Newell) normal."""
    left = list(range(len(polygon)))
    normal = np.cross(polygon, np.roll(polygon, -1, 0)).sum(0)
    done = []
    while len(left) > 3:
        for i in range(len(left)):
            a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
            turn = np.cross(polygon[b] - polygon[a], polygon[c] - polygon[b]) @ normal
            if turn <= 0:
                continue
            others = polygon[[k for k in left if k not in (a, b, c)]]
            inside = np.ones(len(others), bool)
            for p, q in ((a, b), (b, c), (c, a)):
                inside &= np.cross(polygon[q] - polygon[p], others - polygon[p]) @ normal > 0
            if not inside.any():
                break
        else:
            i = 1  # no ear (a degenerate or self-crossing polygon): any cut is as good
        done.append((left[i - 1], left[i], left[(i + 1) % len(left)]))
        del left[i]
    return [*done, (left[0], left[1], left[2])] if len(left) == 3 else done


def welded(vertices: Array, triangles: Triangles, grid: float) -> tuple[Array, Triangles]:
    """Vertices within one cell of `grid` become one; triangles that collapse, or stand there twice, go. Also how fine meshes are thinned.

    Collapsing keeps a closed surface closed: every edge that goes, goes with its opposite.
    """
    cell, first, index = np.unique(np.round(vertices / grid).astype(np.int64), axis=0, return_index=True, return_inverse=True)
    del cell
    renamed = np.asarray(index).reshape(-1)[triangles]
    real = (renamed[:, 0] != renamed[:, 1]) & (renamed[:, 1] != renamed[:, 2]) & (renamed[:, 2] != renamed[:, 0])
    renamed = renamed[real]
    # Twice the same way round is drawn once; both ways encloses nothing, and stays (for a sheet it is doubled cloth).
    turned = np.array([np.roll(row, -int(row.argmin())) for row in renamed]).reshape(-1, 3)
    _, keep = np.unique(turned, axis=0, return_index=True)
    return vertices[first], turned[np.sort(keep)]


def closed(vertices: Array, triangles: Triangles) -> tuple[Array, Triangles]:
    """Make every connected piece a closed surface that faces outwards.

    Neighbours are turned to agree, holes are capped by a fan about the hole's centroid (where a blade goes into its handle the two caps
    meet, as steel and plastic do), and a piece of negative volume is turned inside out. A piece wholly within another is taken for solid
    all the same: cavities must be part of one surface.
    """
    triangles = _agreeing(triangles)
    edges: dict[int, list[int]] = defaultdict(list)
    count: dict[tuple[int, int], int] = defaultdict(int)
    for a, b, c in triangles.tolist():
        for p, q in ((a, b), (b, c), (c, a)):
            count[p, q] += 1
    for (p, q), n in count.items():
        edges[q] += [p] * max(n - count.get((q, p), 0), 0)  # the cap runs along a free edge the other way
    caps: list[tuple[int, int, int]] = []
    centres: list[Array] = []
    for begin in list(edges):
        while edges[begin]:
            loop, at = [begin], edges[begin].pop()
            while at != begin and edges[at]:
                loop.append(at)
                at = edges[at].pop()
            if len(loop) > 2 and at == begin:
                centre = len(vertices) + len(centres)
                centres.append(vertices[loop].mean(0))
                caps += [(p, q, centre) for p, q in zip(loop, loop[1:] + loop[:1], strict=True)]
    if caps:
        vertices = np.concatenate([vertices, np.array(centres)])
        triangles = np.concatenate([triangles, np.array(caps, np.int64)])
    for piece in pieces(triangles):
        if volume(vertices, triangles[piece]) < 0:
            triangles[piece] = triangles[piece][:, ::-1]
    return vertices, triangles


def volume(vertices: Array, triangles: Triangles) -> float:
    """Signed volume that a closed surface encloses (divergence theorem), in the vertices' unit cubed."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _neighbours(triangles: Triangles) -> dict[tuple[int, int], list[int]]:
    """Undirected edge -> triangles on it."""
    on: dict[tuple[int, int], list[int]] = defaultdict(list)
    for t, (a, b, c) in enumerate(triangles.tolist()):
        for p, q in ((a, b), (b, c), (c, a)):
            on[min(p, q), max(p, q)].append(t)
    return on


def pieces(triangles: Triangles) -> list[Triangles]:
    """Rows of `triangles`, by piece connected over edges."""
    on, seen, found = _neighbours(triangles), np.zeros(len(triangles), bool), []
    rows = triangles.tolist()
    for begin in range(len(rows)):
        if seen[begin]:
            continue
        seen[begin], piece = True, [begin]
        for t in piece:  # grows while it is walked
            a, b, c = rows[t]
            for p, q in ((a, b), (b, c), (c, a)):
                for other in on[min(p, q), max(p, q)]:
                    if not seen[other]:
                        seen[other] = True
                        piece.append(other)
        found.append(np.array(piece, np.int64))
    return found


def _agreeing(triangles: Triangles) -> Triangles:
    """Triangles turned so that the two on an edge run along it opposite ways, as far as the surface allows."""
    on, rows = _neighbours(triangles), triangles.tolist()
    seen = [False] * len(rows)
    for begin in range(len(rows)):
        if seen[begin]:
            continue
        seen[begin], queue = True, [begin]
        for t in queue:
            a, b, c = rows[t]
            for p, q in ((a, b), (b, c), (c, a)):
                pair = on[min(p, q), max(p, q)]
                if len(pair) != 2:
                    continue
                other = pair[0] if pair[1] == t else pair[1]
                if seen[other]:
                    continue
                x, y, z = rows[other]
                if (p, q) in ((x, y), (y, z), (z, x)):
                    rows[other] = [z, y, x]
                seen[other] = True
                queue.append(other)
    return np.array(rows, np.int64).reshape(-1, 3)


def to_solid(vertices: Array, triangles: Triangles, material: str, wall: float = 0.0) -> Solid:
    """Triangles as a `Solid`: of a closed surface (`wall` 0), or as a sheet `wall` mm thick. Triangles without area are dropped.

    Args:
        vertices: [V, 3] mm.
        triangles: [T, 3].
        material: a name in `materials`.
        wall: mm.

    Raises:
        ValueError: for an unknown material, or when nothing has area.
    """
    corner = vertices[triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    length = np.linalg.norm(normal, axis=1)
    real = length > 1e-9
    if not real.any():
        raise ValueError("no triangle has any area")
    corner, normal = corner[real], normal[real] / length[real, None]
    count = len(corner)
    return Solid(
        corner.reshape(-1, 3), corner[:, [1, 2, 0]].reshape(-1, 3), np.repeat(np.arange(count), 3), normal, corner[:, 0],
        np.full(count, materials.index(material)), np.full(count, float(wall)),
    )  # fmt: skip


def icosphere(radius: float, rounds: int = 3) -> tuple[Array, Triangles]:
    """A sphere of 20 * 4^rounds triangles, for checking the projector against a known chord."""
    g = (1 + 5**0.5) / 2
    points: list[Array] = [np.array(p) for p in (
        (-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g), (0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1),
        (-g, 0, 1),
    )]  # fmt: skip
    points = [p / np.linalg.norm(p) for p in points]
    faces: Sequence[tuple[int, int, int]] = (
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
        (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    )  # fmt: skip
    for _ in range(rounds):
        middle: dict[tuple[int, int], int] = {}

        def half(p: int, q: int, middle: dict[tuple[int, int], int] = middle) -> int:
            key = (min(p, q), max(p, q))
            if key not in middle:
                middle[key] = len(points)
                points.append((points[p] + points[q]) / np.linalg.norm(points[p] + points[q]))
            return middle[key]

        finer = []
        for a, b, c in faces:
            ab, bc, ca = half(a, b), half(b, c), half(c, a)
            finer += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = finer
    return np.array(points) * radius, np.array(faces, np.int64)
