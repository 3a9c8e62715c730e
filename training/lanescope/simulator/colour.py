"""From attenuation at two energies to what the operator sees: detector noise, blur, effective Z, pseudo-colour (torch, any device)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from . import materials


@dataclass(frozen=True)
class Scanner:
    """One machine's look."""

    name: str
    metal: str
    """Which blue: "bright" stays blue in thick metal, "black" goes to near black."""
    organic: str
    """Which orange: "amber" or "orange"."""
    z_anchors: tuple[float, float, float, float, float] = (8.6, 10.2, 12.2, 15.0, 18.5)
    """Effective Z of orange, yellow-green, green, teal and blue."""
    photons: float = 4000.0
    """A pixel, open beam, high energy."""
    floor: float = 4e-4
    """Scatter and dark current as a share of the open beam."""
    blur_px: float = 0.5
    """Sigma of the point spread at a pitch of 1 mm."""
    edge: float = 0.7
    """Edge enhancement that the console applies before display (unsharp mask on attenuation)."""
    gain: float = 1.0
    """Display: multiplies attenuation before the tone curve."""
    background: tuple[int, int, int] = (254, 254, 254)


SCANNERS = (
    Scanner("teal", "black", "orange", (6.3, 8.4, 12.0, 14.8, 18.2), photons=2600.0, edge=1.0),
    Scanner("blue", "bright", "amber", (8.4, 10.2, 12.6, 14.6, 17.0), edge=0.8),
    Scanner("dense", "bright", "amber", (8.0, 9.8, 12.4, 15.0, 18.5), gain=1.25, photons=3200.0, edge=0.6),
    Scanner("pale", "black", "orange", (7.6, 9.4, 11.8, 14.4, 18.0), gain=0.8, blur_px=0.65, background=(252, 253, 254)),
)

# Colours at five hues and falling luma (255, 225, 200, 175, 150, 125, 100, 75, 50, 25, 0): the common orange / green / blue code.
_TONES = np.array([255, 237, 212, 187, 162, 137, 112, 87, 62, 37, 0], float)
_RAMPS = {
    "orange": "255,255,255 255,232,210 253,208,164 251,183,120 246,154,74 232,128,40 192,104,24 140,82,18 92,60,18 46,38,28 12,12,12",
    "amber": "255,255,255 250,233,208 239,210,164 228,184,112 218,158,58 194,138,34 156,114,20 112,86,18 78,60,20 42,37,28 12,12,12",
    "yellowgreen": "255,255,255 239,239,210 220,220,172 197,196,124 172,175,82 146,152,48 117,129,28 86,104,20 62,77,16 39,40,24 12,12,12",
    "green": "255,255,255 226,243,215 198,226,180 165,208,137 126,192,98 100,173,72 74,145,50 52,120,38 36,86,30 29,49,27 12,12,12",
    "teal": "255,255,255 222,250,244 183,227,220 146,207,187 106,188,160 71,168,142 47,143,120 29,115,98 20,85,70 17,58,48 10,14,14",
    "bright": "255,255,255 219,241,255 186,220,241 149,198,226 104,176,220 62,155,214 34,130,196 18,104,172 10,80,140 8,58,112 6,36,84",
    "black": "255,255,255 220,241,254 187,220,238 150,197,223 108,175,208 66,154,200 38,132,186 20,106,154 13,80,118 20,50,70 14,14,16",
}
# Display luma at attenuation (mix of both energies); chosen so that 4 g/cm2 of cloth sits near luma 160 and 2 mm of steel near 145.
_ATTENUATION = np.array([0.0, 0.06, 0.2, 0.36, 0.7, 1.1, 1.7, 2.6, 3.6, 5.0, 7.5])
_LUMA = np.array([255.0, 245.0, 226.0, 205.0, 168.0, 136.0, 108.0, 80.0, 62.0, 42.0, 20.0])
_HUES, _STEPS = 96, 512
_TOP = 7.5


@lru_cache(maxsize=8)
def _lookup(organic: str, metal: str) -> npt.NDArray[np.uint8]:
    ramps = []
    for name in (organic, "yellowgreen", "green", "teal", metal):
        knots = np.array([[float(v) for v in triple.split(",")] for triple in _RAMPS[name].split()])
        luma = np.interp(np.linspace(0, _TOP, _STEPS), _ATTENUATION, _LUMA)
        ramps.append(np.stack([np.interp(luma, _TONES[::-1], knots[::-1, k]) for k in range(3)], -1))
    hue = np.linspace(0, 4, _HUES)
    i = np.minimum(hue.astype(int), 3)
    t = (hue - i)[:, None, None]
    stacked = np.array(ramps)
    return np.round(stacked[i] * (1 - t) + stacked[i + 1] * t).astype(np.uint8)


def blurred(planes: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of [N, H, W], mirrored at the borders; cut off at four sigma."""
    reach = max(round(sigma * 4), 1)
    weight = torch.exp(-0.5 * (torch.arange(reach + 1, dtype=torch.float64) / sigma) ** 2)
    w = (weight / (2 * weight.sum() - weight[0])).tolist()
    picture = torch.nn.functional.pad(planes[:, None], (reach, reach, reach, reach), mode="reflect")[:, 0]
    for dim in (1, 2):
        # Shifted sums, not conv2d: on one CPU thread a one-channel convolution takes six times as long.
        length = picture.shape[dim] - 2 * reach
        total = picture.narrow(dim, reach, length) * w[0]
        for k in range(1, reach + 1):
            total.add_(picture.narrow(dim, reach - k, length), alpha=w[k]).add_(picture.narrow(dim, reach + k, length), alpha=w[k])
        picture = total
    return picture


def detect(attenuation: torch.Tensor, scanner: Scanner, rng: np.random.Generator | None, blur_px: float | None = None) -> torch.Tensor:
    """What the detectors report: exp(-attenuation) with a floor, blurred, with quantum noise; back in the log domain.

    Args:
        attenuation: float32 [2, H, W], low and high energy, >= 0, on any device.
        scanner: the machine.
        rng: noise source (NumPy's, so that a seed means the same noise on every device); None for a noiseless picture.
        blur_px: sigma of the point spread; the scanner's when None.

    Returns:
        float32 [2, H, W] on the same device, >= 0.
    """
    light = torch.exp(-attenuation) + scanner.floor
    sigma = scanner.blur_px if blur_px is None else blur_px
    if sigma > 0.05:
        light = blurred(light, sigma)
    if rng is not None:
        # Poisson counts are Gaussian at these numbers; the low-energy layer absorbs about half as many photons.
        photons = light.new_tensor([scanner.photons * 0.5, scanner.photons])[:, None, None]
        noise = torch.from_numpy(rng.standard_normal(tuple(light.shape), dtype=np.float32)).to(light.device)
        light = light + torch.sqrt(light / photons) * noise
    return -torch.log(light.clamp(scanner.floor * 0.7, 1.0))


def hue_of(measured: torch.Tensor, scanner: Scanner) -> torch.Tensor:
    """Hue 0 (organic) ... 4 (metal) from the ratio of the two attenuations, by effective atomic number; float32 [H, W]."""
    # Where hardly anything attenuates the ratio is noise: lean towards light organics, and smooth Z more than luma, as scanners do.
    low, high = blurred(measured, 0.7)
    ratio = (low + 0.012 * 1.3) / (high + 0.012)
    # Beyond what the low-energy layer can see, the ratio only falls because the detector is blind: hold it.
    z = _z_table(measured.device).take(((ratio - 1.0) * (1023 / 3.2)).clamp(0, 1023).long())
    z = torch.lerp(z, z.clamp(min=20.0), ((low - 5.0) / 1.5).clamp(0, 1))
    hue = torch.zeros_like(z)
    for a, b in pairwise(scanner.z_anchors):
        hue += ((z - a) / (b - a)).clamp(0, 1)
    return hue


@lru_cache(maxsize=4)
def _z_table(device: torch.device) -> torch.Tensor:
    return torch.from_numpy(materials.effective_z(np.linspace(1.0, 4.2, 1024)).astype(np.float32)).to(device)


@lru_cache(maxsize=16)
def _palette(organic: str, metal: str, background: tuple[int, int, int], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(_lookup(organic, metal).astype(np.int32) * background // 255).byte().view(-1, 3).to(device)


def pseudo_colour(measured: torch.Tensor, scanner: Scanner) -> torch.Tensor:
    """RGB uint8 [H, W, 3] of measured attenuation float32 [2, H, W]: hue by effective Z, luma by attenuation; on the same device."""
    hue = hue_of(measured, scanner)
    tone = (0.75 * measured[1] + 0.25 * measured[0].clamp(max=6.0)) * scanner.gain
    if scanner.edge > 0:
        tone = tone + scanner.edge * (tone - blurred(tone[None], 1.6)[0]).clamp(-0.5, 0.35)
    # Consoles show air as pure white: noise alone draws nothing, thin things keep theirs.
    tone = tone * ((blurred(tone[None], 1.5)[0] - 0.008) * 45.0).clamp(0, 1)
    i = (hue * ((_HUES - 1) / 4) + 0.5).clamp(0, _HUES - 1).int()
    j = (tone * ((_STEPS - 1) / _TOP) + 0.5).clamp(0, _STEPS - 1).int()
    palette = _palette(scanner.organic, scanner.metal, scanner.background, measured.device)
    return palette.index_select(0, (i * _STEPS + j).view(-1)).view(*hue.shape, 3)
