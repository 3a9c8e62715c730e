"""The held-out sample that ships as scores: validation bags with and without threats, each bag a group."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from lanescope.data.bank import Background, Bank
from lanescope.data.batches import OPIXRAY_KNOWN, Recipe, composite_pair
from lanescope.data.compose import Difficulty, Sample, real_sample
from lanescope.data.scans import CleanScan
from lanescope.patch import CLASSES
from lanescope.validate import VALIDATION_DIFFICULTY, VALIDATION_SEED, Scored, area_under_curve


def same_bag_groups(scans: list[CleanScan], alike: float = 0.9) -> list[str]:
    """A name a bag for scans listed in the data set's order: neighbours that look alike are views of one bag.

    Args:
        alike: correlation of 20 x 20 thumbnails from which two neighbours count as one bag.
    """
    names: list[str] = []
    before: np.ndarray | None = None
    for scan in scans:
        small = cv2.resize(scan.pixels, (20, 20), interpolation=cv2.INTER_AREA).astype(np.float32)
        small = (small - small.mean((0, 1))).ravel()
        small /= np.linalg.norm(small) + 1e-9
        names.append(names[-1] if before is not None and float(small @ before) > alike else scan.name)
        before = small
    return names


def held_out_samples(bank: Bank, size: int, per_bag: int = 2) -> list[Sample]:
    """Validation bags as samples; `group` is the bag.

    Every background gives `per_bag` composites with their twins; every boxed scan is there as it is ("opixray") and with its blade smoothed
    away ("opixray-erased", classes that OPIXray does not label unknown); every benign scan as it is ("benign").
    """
    recipe = Recipe(size=size, second_threat=0.0)
    difficulty = Difficulty.at(VALIDATION_DIFFICULTY)
    samples: list[Sample] = []
    listed = list(zip(bank.benign, same_bag_groups(bank.benign), strict=True)) + [(scan, f"opixray-{scan.name}") for scan in bank.boxed]
    for number, (scan, bag) in enumerate(listed):
        rng = np.random.default_rng([VALIDATION_SEED, 7, number])
        for _ in range(per_bag):
            positive, twin = composite_pair(bank, recipe, difficulty, rng, Background(bank.threat_free(scan), bag))
            samples.extend([positive, twin] if positive.labels.max() > 0 else [twin])
        if scan.box is None:
            samples.append(real_sample(scan.pixels, None, None, size, rng, known=CLASSES, gentle=True, source="benign", group=bag))
        else:
            whole = partial(real_sample, side=size, rng=rng, known=OPIXRAY_KNOWN, gentle=True, group=bag)
            samples.append(whole(scan.pixels, scan.box, scan.label, source="opixray"))
            samples.append(whole(bank.erased(scan), None, None, source="opixray-erased"))
    return samples


def write_scores(file: Path, samples: list[Sample], scored: Scored) -> None:
    """`<name>.scores.csv` of docs/MODEL_CONTRACT.md."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["source", "group", *CLASSES, *(f"z_{name}" for name in CLASSES)])
        for sample, z in zip(samples, scored.fused, strict=True):
            writer.writerow([sample.source, sample.group, *sample.labels.tolist(), *(f"{value:.4f}" for value in z)])


def figures(samples: list[Sample], scored: Scored, repeats: int = 400) -> list[dict[str, object]]:
    """Validation figures for the manifest, with 95 % bootstrap intervals over bags."""
    z, labels = scored.fused, np.stack([s.labels for s in samples])
    sources = np.array([s.source for s in samples])
    _, bag = np.unique([s.group for s in samples], return_inverse=True)
    positive, negative = sources == "composite", sources == "twin"
    found: list[dict[str, object]] = []

    def add(
        what: str, here: np.ndarray, there: np.ndarray, value: Callable[[np.ndarray, np.ndarray], float], score: np.ndarray, chance: float
    ) -> None:
        spread = _bootstrap(lambda rows: value(score[rows[here[rows]]], score[rows[there[rows]]]), bag, repeats)
        found.append(
            {
                "what": what,
                "value": round(value(score[here], score[there]), 4),
                "interval": [round(v, 4) for v in spread],
                "n": f"{int(here.sum())} / {int(there.sum())}",
                "chance": chance,
            }
        )

    any_class = z.max(axis=1)
    add("validation composites against their twins, any threat, AUC", positive, negative, area_under_curve, any_class, 0.5)
    for c, name in enumerate(CLASSES):
        add(f"validation composites against twins, {name}, AUC", positive & (labels[:, c] > 0), negative, area_under_curve, z[:, c], 0.5)
    add(
        "validation composites against twins, recall at 1 % false alarms, any threat",
        positive,
        negative,
        lambda p, n: float((p > np.quantile(n, 0.99)).mean()) if len(p) and len(n) else float("nan"),
        any_class,
        0.01,
    )
    return found


def _bootstrap(value: Callable[[np.ndarray], float], bag: np.ndarray, repeats: int) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(bag == b) for b in range(bag.max() + 1)]
    values = [value(np.concatenate([members[b] for b in rng.integers(len(members), size=len(members))])) for _ in range(repeats)]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
