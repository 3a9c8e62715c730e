"""What things are made of: density and tabulated mass attenuation at the two effective energies, and Z from their ratio."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

TABLE = Path(__file__).parent / "assets" / "attenuation.json"
LOW_KEV, HIGH_KEV = 60.0, 110.0
"""Effective energies of the two detector layers under a 140-160 kV tube; see README.md for why two lines stand for two spectra."""

COMPOSITION: dict[str, tuple[str, float]] = {
    # name: (xraylib compound or weighted elements, g/cm3). Weighted lists are "El:weight" pairs.
    "steel": ("Fe:0.985,C:0.005,Mn:0.01", 7.85),
    "stainless": ("Fe:0.70,Cr:0.18,Ni:0.10,Mn:0.02", 7.9),
    "aluminium": ("Al:0.97,Mg:0.01,Si:0.01,Cu:0.01", 2.7),
    "brass": ("Cu:0.63,Zn:0.37", 8.5),
    "copper": ("Cu", 8.96),
    "zinc": ("Zn:0.955,Al:0.04,Cu:0.005", 6.7),
    "nickel": ("Cu:0.75,Ni:0.25", 8.9),
    "lead": ("Pb", 11.3),
    "water": ("H2O", 1.0),
    "polythene": ("C2H4", 0.95),
    "abs": ("C15H17N", 1.05),
    "nylon": ("C6H11NO", 1.14),
    "acetal": ("CH2O", 1.41),
    "pvc": ("C2H3Cl", 1.38),
    "pet": ("C10H8O4", 1.38),
    "rubber": ("C5H8:0.93,S:0.02,ZnO:0.05", 1.15),
    "glass": ("SiO2:0.73,Na2O:0.14,CaO:0.11,MgO:0.02", 2.5),
    "board": ("SiO2:0.45,C11H12O3:0.40,Br:0.05,Cu:0.10", 2.0),
    "chip": ("SiO2:0.75,C11H12O3:0.20,Cu:0.05", 2.0),
    "cell": ("LiCoO2:0.45,C:0.25,Cu:0.12,Al:0.08,C3H4O3:0.10", 2.5),
    "alkaline": ("Fe:0.2,MnO2:0.4,Zn:0.2,KOH:0.1,H2O:0.1", 2.9),
    "cellulose": ("C6H10O5", 1.5),
    "cloth": ("C6H10O5", 0.25),
    "wool": ("C4H6N2O", 0.22),
    "leather": ("C4H6N2O", 0.9),
    "paper": ("C6H10O5:0.85,CaCO3:0.15", 0.85),
    "wood": ("C6H10O5", 0.65),
    "sugar": ("C12H22O11", 0.9),
    "salt": ("NaCl", 1.2),
    "ceramic": ("SiO2:0.65,Al2O3:0.35", 2.4),
    "foam": ("C3H8N2O", 0.06),
    "soap": ("C18H35NaO2", 1.0),
}


@cache
def table() -> dict[str, dict[str, list[float]]]:
    """The committed table: {"materials": {name: [g/cm3, mu/rho low, mu/rho high]}, "elements": {Z: [mu/rho low, high]}}, cm2/g."""
    loaded: dict[str, dict[str, list[float]]] = json.loads(TABLE.read_text())
    return loaded


@cache
def names() -> tuple[str, ...]:
    """Material names in the order of `linear()`'s rows."""
    return tuple(table()["materials"])


@cache
def index(name: str) -> int:
    """Row of a material. Raises ValueError if there is none of that name."""
    return names().index(name)


@cache
def _linear() -> npt.NDArray[np.float64]:
    rows = np.array([table()["materials"][name] for name in names()])
    return rows[:, :1] * rows[:, 1:] / 10.0


def linear() -> npt.NDArray[np.float64]:
    """Linear attenuation mu = (mu/rho) * rho, float64 [materials, 2] (low, high energy), per millimetre."""
    return _linear()


@cache
def ratio_of_z() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(ratio mu_low / mu_high, Z) for Z = 1 ... 30 from the table, ratio ascending: what `effective_z` inverts."""
    elements = table()["elements"]
    z = np.array([float(key) for key in elements])
    ratio = np.array([value[0] / value[1] for value in elements.values()])
    order = np.argsort(ratio)
    return ratio[order], z[order]


def effective_z(ratio: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Effective atomic number of whatever attenuates the two energies in this ratio (1 ... 30, clipped)."""
    known, z = ratio_of_z()
    return np.interp(ratio, known, z)


def from_xraylib() -> dict[str, dict[str, list[float]]]:
    """Make the table anew from xraylib (Debian python3-xraylib, BSD-3); needs that package. cm2/g, total with coherent scatter."""
    import xraylib

    def compound(name: str, kev: float) -> float:
        if name in {"Fe", "C", "Mn", "Cr", "Ni", "Al", "Mg", "Si", "Cu", "Zn", "Pb", "S", "Br"}:
            return float(xraylib.CS_Total(xraylib.SymbolToAtomicNumber(name), kev))
        return float(xraylib.CS_Total_CP(name, kev))

    def mixture(text: str, kev: float) -> float:
        parts = [(part.split(":")[0], float(part.split(":")[1]) if ":" in part else 1.0) for part in text.split(",")]
        return sum(weight * compound(name, kev) for name, weight in parts) / sum(weight for _, weight in parts)

    return {
        "materials": {
            name: [density, round(mixture(text, LOW_KEV), 5), round(mixture(text, HIGH_KEV), 5)]
            for name, (text, density) in COMPOSITION.items()
        },
        "elements": {
            str(z): [round(float(xraylib.CS_Total(z, LOW_KEV)), 5), round(float(xraylib.CS_Total(z, HIGH_KEV)), 5)] for z in range(4, 31)
        },
    }


if __name__ == "__main__":
    TABLE.write_text(json.dumps(from_xraylib(), indent=1) + "\n")
