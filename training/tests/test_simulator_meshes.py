"""Meshes: read, closed and projected as geometry says; the committed ones are whole, credited, dealt to splits; GPU agrees with CPU."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lanescope.data import bank
from lanescope.patch import CLASSES, DISTRACTOR
from lanescope.simulator import catalogue, colour, materials, mesh, patches, project, solid, sprites, stream

POSES = [solid.rotation(np.random.default_rng(seed)) for seed in range(5)]
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))
CUBE = """
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 1
v 1 0 1
v 1 1 1
v 0 1 1
o cube
usemtl steel
f 4 3 2 1
f 5/1/1 6/2/2 7/3/3 8/4/4
f 1 2 6 5
f 2 3 7 6
f 3 4 8 7
f -4 -8 -5 -1
"""


def cube(side: float) -> mesh.Mesh:
    return mesh.read_obj(CUBE.splitlines()).fitted(side)


def chord_of_box(x: np.ndarray, y: np.ndarray, turn: np.ndarray, half: float) -> np.ndarray:
    """Length of the line through (x, y) along z inside a cube turned by `turn`, by clipping the ray at its three slabs."""
    start = np.stack([x, y, np.zeros_like(x)], -1) @ turn  # in the cube's own axes
    way = turn.T @ np.array([0, 0, 1.0])
    near, far = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
    for k in range(3):
        a, b = (-half - start[..., k]) / way[k], (half - start[..., k]) / way[k]
        near, far = np.maximum(near, np.minimum(a, b)), np.minimum(far, np.maximum(a, b))
    return np.clip(far - near, 0, None)


def grid(mm: torch.Tensor, corner: tuple[float, float], pitch: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: mm.shape[1], : mm.shape[2]] * pitch + pitch / 2
    return x + corner[0], y + corner[1]


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("turn", POSES)
def test_a_cube_is_as_thick_as_its_chord(turn: np.ndarray, device: str) -> None:
    side, pitch = 30.0, 0.4
    block = mesh.to_solid(*mesh.closed(cube(side).vertices, cube(side).triangles), "steel").moved(turn)
    mm, _, corner = project.thickness(block, pitch, oversample=1, device=device)
    expected = chord_of_box(*grid(mm, corner, pitch), turn, side / 2)
    assert np.abs(mm[0].cpu().numpy() - expected).max() < 1e-3  # the projector drops what is thinner than 1e-4 mm
    assert float(mm.sum()) * pitch**2 == pytest.approx(side**3, rel=0.01)


@pytest.mark.parametrize("turn", POSES)
def test_a_sphere_is_as_thick_as_its_chord(turn: np.ndarray) -> None:
    radius, pitch = 20.0, 0.4
    vertices, triangles = mesh.icosphere(radius, 4)
    mm, _, corner = project.thickness(mesh.to_solid(vertices, triangles, "water").moved(turn), pitch, oversample=1)
    x, y = grid(mm, corner, pitch)
    chord = 2 * np.sqrt(np.clip(radius**2 - x**2 - y**2, 0, None))
    # 5120 triangles lie up to 0.04 mm within the sphere; at the rim that is much along the ray.
    assert np.abs(mm[0].numpy() - chord)[chord > 10].max() < 0.2
    assert float(mm.sum()) * pitch**2 == pytest.approx(mesh.volume(vertices, triangles), rel=0.005)


@pytest.mark.parametrize("turn", POSES)
def test_a_sheet_has_the_same_mass_in_every_pose(turn: np.ndarray) -> None:
    # Path through a sheet is wall / cos, its shadow area * cos: their product stays, until the cap on grazing rays.
    flat = mesh.read_obj(["v 0 0 0", "v 40 0 0", "v 40 20 0", "v 20 5 0", "v 0 20 0", "f 1 2 3 4 5"])  # concave
    area = 40 * 20 - 0.5 * 40 * 15
    sheet = mesh.to_solid(flat.vertices, flat.triangles, "steel", wall=1.5).moved(turn)
    mm, _, _ = project.thickness(sheet, 0.25)
    leaning = 1 / abs(turn[2, 2])
    assert leaning < project.SHEET_CAP
    assert float(mm.max()) == pytest.approx(1.5 * leaning, rel=1e-6)
    assert float(mm.sum()) * 0.25**2 == pytest.approx(1.5 * area, rel=0.03)


def test_an_open_box_turned_every_way_is_closed_again() -> None:
    whole = cube(10)
    rng = np.random.default_rng(0)
    spoilt = whole.triangles[2:].copy()  # its bottom is missing
    for row in range(0, len(spoilt), 3):
        spoilt[row] = spoilt[row][::-1]  # and some faces look inwards
    spoilt = spoilt[rng.permutation(len(spoilt))]
    vertices, triangles = mesh.closed(whole.vertices, spoilt)
    assert mesh.volume(vertices, triangles) == pytest.approx(1000)
    edges = sorted(pair for a, b, c in triangles.tolist() for pair in ((a, b), (b, c), (c, a)))
    assert edges == sorted((b, a) for a, b in edges)  # every edge is used once each way


def test_welding_joins_doubled_vertices_and_drops_what_collapses() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1.001, 0, 0], [0, 1.001, 0], [1, 1, 0], [1, 1.001, 0]])
    points, triangles = mesh.welded(vertices, np.array([[0, 1, 2], [3, 5, 4], [3, 6, 4], [5, 6, 3]]), 0.01)
    assert len(points) == 4 and len(triangles) == 2 and len(mesh.pieces(triangles)) == 1


def test_obj_parts_and_errors() -> None:
    read = mesh.read_obj(["v 0 0 0", "v 1 0 0", "v 0 1 0", "o a", "usemtl x", "f 1 2 3", "usemtl y", "f 1/1 3/2 2/3", "g b", "f 3 2 1"])
    assert read.names == ("a/x", "a/y", "b/y") and read.part.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="not there"):
        mesh.read_obj(["v 0 0 0", "f 1 2 3"])
    with pytest.raises(ValueError, match="no faces"):
        mesh.read_obj(["v 0 0 0"])


@pytest.mark.parametrize("name", catalogue.MODELS)
def test_every_mesh_is_whole(name: str) -> None:
    model = catalogue.MODELS[name]
    made = catalogue.make(name, np.random.default_rng(1))
    assert model.longest[0] * 0.85 < made.size().max() < model.longest[1] * 1.15
    solid_parts = [
        (vertices, triangles)
        for part, (vertices, triangles) in zip(model.parts, catalogue.surfaces(name), strict=True)
        if part.wall == (0.0, 0.0) or part.fill
    ]
    for vertices, triangles in solid_parts:
        assert mesh.volume(vertices, triangles) > 0
        edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        code = edges[:, 0] * len(vertices) + edges[:, 1]
        back = edges[:, 1] * len(vertices) + edges[:, 0]
        assert np.array_equal(np.sort(code), np.sort(back)), "a hole"
    # The same mass in any pose.
    masses = []
    for turn in (np.eye(3), POSES[1]):
        posed = made.moved(turn)
        mm, indices, _ = project.thickness(posed, 0.8)
        density = [materials.table()["materials"][materials.names()[i]][0] for i in indices]
        masses.append(float((mm.sum((1, 2)) * torch.tensor(density)).sum()) * 0.64 / 1000)
    assert 1 < masses[0] < 3000  # grams
    if len(solid_parts) == len(model.parts):  # sheets lose a little to the cap on grazing rays
        assert masses[1] == pytest.approx(masses[0], rel=0.05)


def test_every_mesh_is_credited() -> None:
    text = (Path(__file__).parents[1] / "ATTRIBUTION.md").read_text()
    assert catalogue.attribution() in text
    assert {model.licence for model in catalogue.MODELS.values()} <= {"CC-BY-3.0", "CC-BY-3.0-US", "CC0-1.0"}
    assert catalogue.ASSET.stat().st_size < 310_000


def test_patches_of_meshes_keep_to_their_splits() -> None:
    made = patches.mesh_library(36, seed=3, longest_px=64)
    held: dict[str, set[str]] = {}
    for i, patch in enumerate(made):
        assert patch.source.startswith("mesh:") and patch.mask.any()
        held.setdefault(bank._deal(i), set()).add(patch.source)
        assert patch.label == (label if (label := catalogue.MODELS[patch.source[5:]].label) in CLASSES else DISTRACTOR)
    assert len(held) == 3
    assert not held["train"] & held["validation"] and not held["train"] & held["test"] and not held["validation"] & held["test"]
    assert {patch.label for patch in made} == {"knife", "scissors", "pliers", DISTRACTOR}
    with pytest.raises(ValueError, match="no mesh of gun"):
        patches.mesh_model(0)("gun", np.random.default_rng(0))


def test_bags_hold_meshes_of_their_own_fold() -> None:
    pitch = stream.SMALLEST_BAG_MM / 64
    held = []
    for seed in (0, 1, 2):
        shop, rng = sprites.Workshop(pitch, seed), np.random.default_rng(seed)
        drawn = [shop.draw(kind, rng) for kind in [sprites.MESH] * 6 + ["knife"] * 8]
        assert all(sprite.label == ("knife" if i >= 6 else "") for i, sprite in enumerate(drawn))
        assert 0 < sum(sprite.source.startswith("mesh:") for sprite in drawn[6:]) < 8  # drawn models and meshes
        held.append({sprite.source[5:] for sprite in drawn if sprite.source.startswith("mesh:")})
        assert all(catalogue.MODELS[name].fold == seed for name in held[-1])
    assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])
    plain, rng = sprites.Workshop(pitch, 1, meshes=False), np.random.default_rng(1)
    assert not plain.holds(sprites.MESH)
    assert not any(plain.draw("knife", rng).source.startswith("mesh:") for _ in range(4))


def numpy_reference(attenuation: np.ndarray, scanner: colour.Scanner, noise: np.ndarray, sigma: float) -> np.ndarray:
    """Detector and display once more, in NumPy and OpenCV, written from README.md's table and not from the torch code."""
    light = np.exp(-attenuation) + scanner.floor
    light = np.stack([cv2.GaussianBlur(plane, (0, 0), sigma) for plane in light])
    light = light + np.sqrt(light / (scanner.photons * np.array([0.5, 1.0], np.float32)[:, None, None])) * noise
    measured = np.maximum(-np.log(np.maximum(light, scanner.floor * 0.7)), 0).astype(np.float32)
    low, high = (cv2.GaussianBlur(plane, (0, 0), 0.7) for plane in measured)
    z = materials.effective_z((low + 0.0156) / (high + 0.012))
    blind = np.clip((low - 5) / 1.5, 0, 1)
    hue = np.interp(z * (1 - blind) + np.maximum(z, 20) * blind, scanner.z_anchors, range(5))
    tone = (0.75 * measured[1] + 0.25 * np.minimum(measured[0], 6)) * scanner.gain
    tone = tone + scanner.edge * np.clip(tone - cv2.GaussianBlur(tone, (0, 0), 1.6), -0.5, 0.35)
    tone = tone * np.clip((cv2.GaussianBlur(tone, (0, 0), 1.5) - 0.008) * 45, 0, 1)
    i = np.clip(hue * (95 / 4) + 0.5, 0, 95).astype(int)
    j = np.clip(tone * (511 / 7.5) + 0.5, 0, 511).astype(int)
    picture = colour._lookup(scanner.organic, scanner.metal)[i, j].astype(int) * scanner.background // 255
    return picture


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("scanner", colour.SCANNERS, ids=lambda s: s.name)
def test_colours_agree_with_a_numpy_rendering(scanner: colour.Scanner, device: str) -> None:
    posed = catalogue.make("reflex_camera", np.random.default_rng(0)).moved(POSES[0])
    mm, indices, _ = project.thickness(posed, 0.8, device=device)
    attenuation = project.attenuation(mm, indices)
    measured = colour.detect(attenuation, scanner, np.random.default_rng(5), 0.6)
    found = colour.pseudo_colour(measured, scanner).cpu().numpy().astype(int)
    noise = np.random.default_rng(5).standard_normal(tuple(attenuation.shape), dtype=np.float32)
    expected = numpy_reference(attenuation.cpu().numpy(), scanner, noise, 0.6)
    difference = np.abs(found - expected).max(-1)
    # A rounding may move a pixel to the next of 96 hues or 512 tones: 8 levels at most, and hardly ever more than 3.
    assert difference.max() <= 8 and (difference > 3).mean() < 1e-3


def test_where_a_thing_lies_changes_nothing() -> None:
    """A steep face's two coefficients cancel; far from the origin, single precision would be off by millimetres."""
    ball = mesh.to_solid(*mesh.icosphere(20, 2), "steel").moved(POSES[0])
    a, b = (project.thickness(thing, 0.5)[0] for thing in (ball, ball.moved(shift=(1000.0, 1000.0, 1000.0))))
    assert a.shape == b.shape and float((a - b).abs().max()) < 1e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_scan_is_the_same_on_the_gpu() -> None:
    shelf = sprites.library(stream.SMALLEST_BAG_MM / 160, seed=5, detail=0.05)
    a, b = (stream.simulate(3, 1, ["knife"], 160, shelf, device=device).image.astype(int) for device in ("cpu", "cuda"))
    assert np.abs(a - b).max() <= 8 and (np.abs(a - b) > 3).mean() < 1e-3


def test_a_seed_decides_a_mesh() -> None:
    a, b, other = (catalogue.make("keys", np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(a.start, b.start) and not np.allclose(a.size(), other.size())
