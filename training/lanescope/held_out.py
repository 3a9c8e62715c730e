"""The held-out sample that ships as scores: real validation scans through the whole of `bag-2`, projected threats where those are few.

Benign rows are real benign bags alone, each bag of a belt frame by itself: their number is the n of every promise. Twins and
erased scans are for
comparing models; as a lane's benign bags they would be far too hard, and thresholds made from them far too strict.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lanescope.data.bags import Annotated, annotated_scans, read_annotated
from lanescope.data.bank import Bank
from lanescope.data.batches import OPIXRAY_KNOWN, Recipe, composite_pair
from lanescope.data.compose import Difficulty, real_sample
from lanescope.data.linkage import linked
from lanescope.data.scans import in_parallel
from lanescope.data.splits import SHARED, VALIDATION
from lanescope.patch import CLASSES
from lanescope.preprocess import crop_and_flatten
from lanescope.scoring import Model
from lanescope.validate import VALIDATION_SEED
from lanescope.whole_scans import score_scans

FEW = 30
"""A class with fewer independent real positives (groups) than this, OPIXray's not counted, gets projected ones too."""
PROJECTED = 120
PROJECTED_DIFFICULTY = 0.5
OPIXRAY_EACH = 60
ALIKE = 0.85
"""Correlation of 20 x 20 thumbnails from which two benign bags of one run of numbers count as one bag."""


@dataclass(frozen=True)
class Row:
    """One line of `<name>.scores.csv`."""

    source: str
    """"benign", "frame" (a bag of a belt frame), "sixray", "iflytek", "opixray" or "composite" (a projected threat)."""
    group: str
    """The bag: rows of one group are no independent draws."""
    labels: tuple[int, ...]
    """A class 1, 0 or -1."""
    fused: tuple[float, ...]
    """Fused logits, a class each."""


def same_bag_groups(thumbnails: Sequence[np.ndarray], runs: Sequence[str], names: Sequence[str], alike: float = ALIKE) -> list[str]:
    """A name a bag: what looks alike within a run of numbers is one bag seen several times (single linkage).

    Args:
        thumbnails: uint8 [h, w, 3] each, cleaned crops.
        runs: the run of numbers each comes from.
        names: a name each; a group is named by its first.
    """
    small = np.stack([cv2.resize(t, (20, 20), interpolation=cv2.INTER_AREA).astype(np.float32) for t in thumbnails])
    flat = (small - small.mean((1, 2), keepdims=True)).reshape(len(small), -1)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9
    alike_pairs = zip(*np.nonzero(np.triu(flat @ flat.T > alike, 1)), strict=True)
    groups = linked(len(flat), ((i, j) for i, j in alike_pairs if runs[i] == runs[j]))
    return [names[group] for group in groups]


def held_out_rows(model: Model, bank: Bank, root: Path = SHARED) -> list[Row]:
    """Every row of the held-out sample.

    Args:
        bank: the validation bank.
        root: the shared data folder.
    """
    scans = [scan for scan in annotated_scans(root) if scan.split == VALIDATION]
    rows = _benign([s for s in scans if s.source in ("benign", "frame")], model)
    threats = [s for s in scans if s.source in ("sixray", "iflytek")]
    for scan, answer in zip(threats, score_scans(model, in_parallel(read_annotated, threats)), strict=True):
        if answer is not None:
            rows.append(Row(scan.source, scan.group, tuple(scan.labels), tuple(answer.fused)))
    few = [c for i, c in enumerate(CLASSES) if len({row.group for row in rows if row.labels[i] == 1}) < FEW]
    return rows + _opixray(bank, model) + _projected(bank, model, few)


def _benign(scans: list[Annotated], model: Model) -> list[Row]:
    images = in_parallel(read_annotated, scans)
    rows, thumbs, runs, names = [], [], [], []
    for scan, image, answer in zip(scans, images, score_scans(model, images), strict=True):
        if answer is None:
            continue
        located = answer.located
        for number, (bag, z) in enumerate(zip(located.bags, answer.bags, strict=True)):
            rows.append((scan.source, tuple(z)))
            thumbs.append(crop_and_flatten(image, bag, located.background, 64))
            runs.append(scan.group)
            names.append(f"{scan.file.stem}/{number}" if len(located.bags) > 1 else scan.file.stem)
    if not rows:
        return []
    groups = same_bag_groups(thumbs, runs, names)
    return [Row(source, group, (0,) * len(CLASSES), z) for (source, z), group in zip(rows, groups, strict=True)]


def _opixray(bank: Bank, model: Model) -> list[Row]:
    rng = np.random.default_rng(VALIDATION_SEED)
    chosen = []
    for label in OPIXRAY_KNOWN:
        listed = [scan for scan in bank.boxed if scan.label == label]
        chosen += [listed[int(k)] for k in np.linspace(0, len(listed) - 1, min(OPIXRAY_EACH, len(listed)))]
    if not chosen:
        return []
    samples = [
        real_sample(
            s.pixels, s.box, s.label, model.size, rng, known=OPIXRAY_KNOWN, gentle=True, source="opixray", group=f"opixray-{s.name}"
        )
        for s in chosen
    ]
    fused = model.score(np.stack([s.pixels for s in samples])).fused
    return [Row(s.source, s.group, tuple(int(v) for v in s.labels), tuple(z)) for s, z in zip(samples, fused, strict=True)]


def _projected(bank: Bank, model: Model, classes: list[str]) -> list[Row]:
    recipe, difficulty = Recipe(size=model.size, second_threat=0.0, overlap=0.0), Difficulty.at(PROJECTED_DIFFICULTY)
    samples = []
    for number, label in enumerate(classes):
        made = 0
        for attempt in range(PROJECTED * 3):
            rng = np.random.default_rng([VALIDATION_SEED, 7, number, attempt])
            sample, _ = composite_pair(bank, recipe, difficulty, rng, wanted=[label])
            if sample.threats and made < PROJECTED:
                samples.append(sample)
                made += 1
    if not samples:
        return []
    fused = model.score(np.stack([s.pixels for s in samples])).fused
    return [Row("composite", s.group, tuple(int(v) for v in s.labels), tuple(z)) for s, z in zip(samples, fused, strict=True)]


def write_scores(file: Path, rows: Sequence[Row]) -> None:
    """`<name>.scores.csv` of docs/MODEL_CONTRACT.md."""
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["source", "group", *CLASSES, *(f"z_{name}" for name in CLASSES)])
        writer.writerows([row.source, row.group, *row.labels, *(f"{value:.4f}" for value in row.fused)] for row in rows)
