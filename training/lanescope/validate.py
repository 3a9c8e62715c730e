"""Validation during training: twins, real boxed scans and real benign bags that no training step has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch

from lanescope.data.bag_samples import bag_sample, erased_bag, smoothed_elsewhere
from lanescope.data.bank import Bank
from lanescope.data.batches import OPIXRAY_KNOWN, Recipe, composite_pair
from lanescope.data.compose import Difficulty, real_sample
from lanescope.data.scans import smooth_away
from lanescope.measure.pointing import cell_peaks, hit
from lanescope.measure.ranking import area_under_curve
from lanescope.measure.sample import Sample
from lanescope.network import Chr, fuse_cams
from lanescope.patch import CLASSES
from lanescope.preprocess import normalise

VALIDATION_SEED = 20_261_122
VALIDATION_DIFFICULTY = 0.75
"""Difficulty of validation composites, fixed, so that epochs can be compared."""


def validation_samples(
    bank: Bank, size: int, pairs: int, real: int, difficulty: float = VALIDATION_DIFFICULTY, seed: int = VALIDATION_SEED
) -> list[Sample]:
    """The fixed validation set: composite twins, boxed scans (whole, random box smoothed, blade smoothed) and whole benign bags.

    Args:
        pairs: composite twins.
        real: boxed scans (each gives three samples); as many of each class as there are, up to half.
    """
    recipe = Recipe(size=size, second_threat=0.0)
    samples: list[Sample] = []
    for index in range(pairs):
        rng = np.random.default_rng([seed, index])
        samples.extend(composite_pair(bank, recipe, Difficulty.at(difficulty), rng))
    rng = np.random.default_rng(seed)
    for label in OPIXRAY_KNOWN:
        listed = [scan for scan in bank.boxed if scan.label == label]
        for index in rng.permutation(len(listed))[: real // 2]:
            scan = listed[int(index)]
            assert scan.box is not None
            whole = partial(real_sample, side=size, rng=rng, known=OPIXRAY_KNOWN, gentle=True, group=scan.group)
            samples.append(whole(scan.pixels, scan.box, label, source="opixray"))
            h, w = scan.pixels.shape[:2]
            bw, bh = scan.box[2] - scan.box[0], scan.box[3] - scan.box[1]
            x, y = rng.uniform(0, max(1, w - bw)), rng.uniform(0, max(1, h - bh))
            samples.append(whole(smooth_away(scan.pixels, (x, y, x + bw, y + bh)), scan.box, label, source="opixray-other"))
            samples.append(whole(smooth_away(scan.pixels, scan.box), None, None, source="opixray-erased"))
    for label in CLASSES:
        for bag in bank.boxed_bags(label):
            samples.append(bag_sample(bag, bag.pixels, None, size, rng, gentle=True))
            here, gone = smoothed_elsewhere(bag, label, rng), erased_bag(bag, label)
            for pixels, erased, source in ((here, None, f"{label}-other"), (gone, label, f"{label}-erased")):
                samples.append(replace(bag_sample(bag, pixels, erased, size, rng, gentle=True), source=source))
    for scan in bank.benign:
        samples.append(real_sample(scan.pixels, None, None, size, rng, known=CLASSES, gentle=True, source="benign", group=scan.group))
    return samples


@dataclass
class Scored:
    """A network's answers to samples."""

    fused: np.ndarray
    """float [N, C], fused logits."""
    levels: np.ndarray
    """float [N, L, C]."""
    peaks: np.ndarray
    """float [N, C, 2], x and y of the fused map's peak as fractions of the square."""


def score(
    network: Chr, samples: list[Sample], mean: tuple[float, ...], std: tuple[float, ...], batch: int = 16, device: str = "cpu"
) -> Scored:
    """Run samples through a network in eval mode (left in the mode it was in)."""
    was_training = network.training
    network.eval()
    fused, levels, peaks = [], [], []
    with torch.no_grad():
        for start in range(0, len(samples), batch):
            pixels = np.stack([s.pixels for s in samples[start : start + batch]])
            scans = torch.from_numpy(normalise(pixels, mean, std)).to(device).contiguous(memory_format=torch.channels_last)
            outputs = network(scans)
            levels.append(outputs["logits"].float().cpu().numpy())
            fused.append(network.fuse(outputs["logits"]).float().cpu().numpy())
            maps = fuse_cams([cam.float() for cam in outputs["cams"]], network.config.fusion).cpu().numpy()
            peaks.append(cell_peaks(maps))
    network.train(was_training)
    return Scored(np.concatenate(fused), np.concatenate(levels), np.concatenate(peaks))


def summarise(samples: list[Sample], scored: Scored) -> dict[str, float]:
    """The figures that say whether training moves: each a fraction.

    `twins_any`: AUC of the largest class logit, composites against their twins. `twins_<class>`: AUC of that class's logit, its
    composites against all twins. `pointing`: composites whose class's peak falls in the threat's box. `real_scissors_knife`:
    AUC of scissors minus knife logit, scissors scans against knife scans. `erased_<class>`: AUC, another box smoothed away against the
    blade smoothed away. `real_pointing_<class>`. Of the boxed bags of SIXray and
    iFLYTEK: `bag_twins_<class>` (share in which the twin with the threat scores higher), `bag_pointing_<class>`,
    `bag_benign_<class>` (AUC against
    benign bags: a comparison of sources, not of threats). `benign_any`: AUC of composites against whole benign bags.
    """
    z, sources = scored.fused, np.array([s.source for s in samples])
    labels = np.stack([s.labels for s in samples])
    composite, twin, benign = sources == "composite", sources == "twin", sources == "benign"
    composite &= labels.max(axis=1) > 0
    figures = {"twins_any": area_under_curve(z[composite].max(axis=1), z[twin].max(axis=1))}
    for c, name in enumerate(CLASSES):
        figures[f"twins_{name}"] = area_under_curve(z[composite & (labels[:, c] > 0), c], z[twin, c])
    figures["pointing"] = _pointing(samples, scored, composite)
    knife, scissors = CLASSES.index("knife"), CLASSES.index("scissors")
    real = sources == "opixray"
    margin = z[:, scissors] - z[:, knife]
    figures["real_scissors_knife"] = area_under_curve(margin[real & (labels[:, scissors] > 0)], margin[real & (labels[:, knife] > 0)])
    for c, name in ((knife, "knife"), (scissors, "scissors")):
        here = (sources == "opixray-other") & (labels[:, c] > 0)
        gone = np.roll(here, 1)  # its erased twin follows each
        figures[f"erased_{name}"] = area_under_curve(z[here, c], z[gone, c])
        figures[f"real_pointing_{name}"] = _pointing(samples, scored, real & (labels[:, c] > 0))
    for c, name in enumerate(CLASSES):
        here = sources == f"{name}-other"
        if not here.any():
            continue
        gone = np.roll(here, 1)
        whole = np.roll(here, -1)
        figures[f"bag_twins_{name}"] = float((z[here, c] > z[gone, c]).mean())
        figures[f"bag_pointing_{name}"] = _pointing(samples, scored, whole, name)
        figures[f"bag_benign_{name}"] = area_under_curve(z[whole, c], z[benign, c])
    figures["benign_any"] = area_under_curve(z[composite].max(axis=1), z[benign].max(axis=1))
    return figures


def _pointing(samples: list[Sample], scored: Scored, chosen: np.ndarray, only: str | None = None) -> float:
    """Share of hits, an image and class at a time (5.3), by the app's peak."""
    hits = []
    for index in np.flatnonzero(chosen):
        for c, name in enumerate(CLASSES):
            own = [[float(fact[edge]) for edge in ("x0", "y0", "x1", "y1")] for fact in samples[index].threats if fact["label"] == name]
            if own and only in (None, name):
                x, y = map(float, scored.peaks[index, c])
                hits.append(hit(x, y, own))
    return float(np.mean(hits)) if hits else float("nan")


def contact_sheet(samples: list[Sample], columns: int = 8, side: int = 160) -> np.ndarray:
    """Samples side by side, uint8 RGB: look at the data before trusting it."""
    rows = -(-len(samples) // columns)
    sheet = np.full((rows * side, columns * side, 3), 128, np.uint8)
    for index, sample in enumerate(samples):
        r, c = divmod(index, columns)
        sheet[r * side : (r + 1) * side, c * side : (c + 1) * side] = cv2.resize(sample.pixels, (side, side), interpolation=cv2.INTER_AREA)
    return sheet
