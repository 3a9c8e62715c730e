"""The simulator's physics: attenuation against published tables, exact thickness, additivity, colour by effective atomic number."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch

from lanescope.simulator import colour, materials, project, solid


def thickness(thing: solid.Solid, mm_per_px: float, oversample: int = 2) -> tuple[npt.NDArray[np.float64], list[int], tuple[float, float]]:
    """The projector's answer as an array."""
    mm, indices, corner = project.thickness(thing, mm_per_px, oversample)
    return mm.numpy(), indices, corner


def attenuation(mm: npt.NDArray[np.float64], indices: list[int]) -> npt.NDArray[np.float32]:
    return project.attenuation(torch.from_numpy(mm), indices).numpy()


# NIST X-ray mass attenuation coefficients (Hubbell and Seltzer, NISTIR 5632), cm2/g, at 60, 100 and 150 keV.
NIST = {"steel": (1.205, 0.3717, 0.1964), "water": (0.2059, 0.1707, 0.1505)}
DENSITY = {"steel": 7.85, "water": 1.0}


def slab(material: str, mm: float) -> solid.Solid:
    return solid.box(-30, 30, -20, 20, 0, mm, material)


@pytest.mark.parametrize("material", ["steel", "water"])
def test_ten_millimetres_attenuate_as_tabulated(material: str) -> None:
    mm, indices, _ = thickness(slab(material, 10.0), 0.5)
    low, high = attenuation(mm, indices)[:, 40, 60]
    at_60, at_100, at_150 = NIST[material]
    # 110 keV lies between two table rows; interpolate as the tables are read, in log-log. Steel is curved there: hence 3 %.
    at_110 = at_100 * (1.1) ** (math.log(at_150 / at_100) / math.log(1.5))
    assert low == pytest.approx(at_60 * DENSITY[material], rel=0.01)
    assert high == pytest.approx(at_110 * DENSITY[material], rel=0.03)


def test_table_is_what_xraylib_gives() -> None:
    pytest.importorskip("xraylib")
    fresh, kept = materials.from_xraylib(), materials.table()
    assert fresh["materials"].keys() == kept["materials"].keys()
    for name, row in fresh["materials"].items():
        assert row == pytest.approx(kept["materials"][name], rel=1e-3), name


def test_thickness_of_a_sphere_is_its_chord_in_any_pose() -> None:
    r = 20.0
    profile = [(r * math.sin(a), -r * math.cos(a)) for a in np.linspace(0, math.pi, 49)]
    profile[0], profile[-1] = (0.0, -r), (0.0, r)
    ball = solid.revolve(profile, "water", 64)
    for seed in range(4):
        mm, _, (x0, y0) = thickness(ball.moved(solid.rotation(np.random.default_rng(seed))), 0.5)
        y, x = np.mgrid[: mm.shape[1], : mm.shape[2]] * 0.5 + 0.25
        chord = 2 * np.sqrt(np.clip(r**2 - (x + x0) ** 2 - (y + y0) ** 2, 0, None))
        assert np.abs(mm[0] - chord)[chord > 8].max() < 0.45
        assert mm[0].sum() * 0.25 == pytest.approx(4 / 3 * math.pi * r**3, rel=0.01)


def test_volume_is_kept_in_every_pose_for_drawn_solids() -> None:
    plate = solid.merge([solid.prism([solid.circle(30, 40), solid.circle(12, 24, hole=True)], 0, 6, "steel")])
    volume = None
    for seed in range(6):
        mm, _, _ = thickness(plate.moved(solid.rotation(np.random.default_rng(seed))), 0.4, oversample=3)
        found = mm.sum() * 0.16
        volume = volume or found
        assert found == pytest.approx(volume, rel=0.01)
    assert volume == pytest.approx((math.pi * (30**2 - 12**2)) * 6, rel=0.02)


def test_a_hole_is_empty() -> None:
    ring = solid.prism([solid.circle(30, 40), solid.circle(12, 24, hole=True)], 0, 6, "steel")
    mm, _, (x0, y0) = thickness(ring, 0.5)
    assert mm[0, int(-y0 / 0.5), int(-x0 / 0.5)] == 0
    assert mm[0, int(-y0 / 0.5), int((20 - x0) / 0.5)] == pytest.approx(6)


def test_a_sheet_of_an_open_mesh_counts_its_walls() -> None:
    sheet = solid.from_faces([np.array([[-20, -20, 0], [20, -20, 0], [20, 20, 0], [-20, 20, 0.0]])], "steel", wall=1.5)
    mm, _, _ = thickness(sheet, 1.0)
    assert mm[0, 20, 20] == pytest.approx(1.5)
    tilted = sheet.moved(solid.about(np.array([1.0, 0, 0]), math.radians(60)))
    mm, _, _ = thickness(tilted, 1.0)
    assert mm[0, mm.shape[1] // 2, 20] == pytest.approx(3.0, rel=1e-6)


def test_attenuation_adds_between_objects() -> None:
    steel, water = slab("steel", 3.0), slab("water", 40.0).moved(shift=(0, 0, 50))
    both, indices, _ = thickness(solid.merge([steel, water]), 1.0)
    a, i, _ = thickness(steel, 1.0)
    b, j, _ = thickness(water, 1.0)
    together = attenuation(both, indices)
    assert np.allclose(together, attenuation(a, i) + attenuation(b, j), atol=1e-5)
    assert np.allclose(np.exp(-together[1, 20, 30]), np.exp(-(3 * 0.785 * 0.3107 + 4 * 0.16577)), rtol=0.01)


@pytest.mark.parametrize(("material", "z"), [("water", 7.5), ("cellulose", 7.0), ("aluminium", 13.2), ("steel", 26.0)])
def test_effective_atomic_number_comes_back(material: str, z: float) -> None:
    low, high = materials.linear()[materials.index(material)]
    assert float(materials.effective_z(np.array(low / high))) == pytest.approx(z, abs=0.7)


@pytest.mark.parametrize("scanner", colour.SCANNERS, ids=lambda s: s.name)
def test_the_familiar_colours(scanner: colour.Scanner) -> None:
    def colour_of(material: str, mm: float) -> np.ndarray:
        flat = np.ones((2, 24, 24), np.float32) * (materials.linear()[materials.index(material)] * mm).astype(np.float32)[:, None, None]
        return colour.pseudo_colour(colour.detect(torch.from_numpy(flat), scanner, None), scanner).numpy()[12, 12].astype(int)

    r, g, b = colour_of("water", 40)
    assert r > g > b  # organic: orange
    r, g, b = colour_of("aluminium", 6)
    assert g > r and g > b  # light metal, glass: green
    r, g, b = colour_of("steel", 3)
    assert b > r and b >= g  # metal: blue
    dark = colour_of("steel", 60)
    assert dark.sum() < 200 and (dark[2] > 75) == (scanner.metal == "bright")  # thick metal: pure blue in some, near black in others
    assert (colour_of("water", 0) >= 250).all()


def test_noise_grows_where_little_light_is_left() -> None:
    dim = torch.zeros(2, 64, 128)
    dim[:, :, 64:] = 3.0
    measured = colour.detect(dim, colour.SCANNERS[0], np.random.default_rng(0), blur_px=0)
    assert measured[1, :, 70:].std() > 2 * measured[1, :, :58].std() > 0
