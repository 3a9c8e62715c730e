"""Real guns and knives of bags that training never saw: SIXray's staged test bags, by their traced outlines.

Two bags scanned ninety times over: intervals are over blocks of neighbouring scans and say nothing of other bags. The same guns may lie in
training bags too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lanescope.data.staged import TRACED, UNSURE, StagedScan, StagedThreat, cut_outs, load_staged
from lanescope.erasing import fill_region, moved_elsewhere
from lanescope.measure.resampling import wilson
from lanescope.patch import CLASSES, DISTRACTOR
from lanescope.preprocess import pad
from lanescope.protocols import Figure, ScanSet, against_benign, in_alarm, pointing, twin_figures
from lanescope.real_scans import benign_sample
from lanescope.scoring import REPOSITORY, Model

WHERE = "staged bags that training never saw"
PLURAL = {"gun": "guns", "knife": "knives"}


def staged_sample(root: Path, size: int) -> tuple[list[StagedScan], ScanSet]:
    """The staged test scans as the app prepares them: with their outlines in the square's pixels, and as a sample with boxes."""
    from lanescope.data.splits import TEST

    scans, groups, boxes = [], [], []
    for scan in load_staged(TEST, size, root):
        square, (left, top) = pad(scan.pixels, size)
        threats = [StagedThreat(t.label, t.outline + np.array([left, top], np.float32)) for t in scan.threats]
        scans.append(StagedScan(square, threats, scan.group, scan.name))
        groups.append(f"{scan.group}-{int(scan.name[1:]) // 10}")
        boxes.append([(t.label, tuple(v / size for v in t.box)) for t in threats if t.label in TRACED])
    return scans, ScanSet(np.stack([s.pixels for s in scans]), groups, [None] * len(scans), boxes)  # type: ignore[arg-type]


def erased_twins(model: Model, scans: list[StagedScan], groups: list[str]) -> Iterator[Figure]:
    """All guns (or knives) of a scan smoothed away, against the same shapes smoothed away elsewhere in it."""
    for label in TRACED:
        kept, gone, of = [], [], []
        for number, (scan, group) in enumerate(zip(scans, groups, strict=True)):
            labels = {t.label for t in scan.threats}
            if label not in labels or UNSURE in labels:
                continue
            shape = scan.region((label,), 2)
            elsewhere = moved_elsewhere(scan.pixels, shape, scan.region((*TRACED, UNSURE), 3), seed=number)
            if elsewhere is None:
                continue
            kept.append(fill_region(scan.pixels, elsewhere))
            gone.append(fill_region(scan.pixels, shape))
            of.append(group)
        if of:
            what = f"{PLURAL[label]} erased against the same shapes erased elsewhere, {WHERE}"
            yield from twin_figures(model, kept, gone, of, label, f"staged.erased.{label}", what)


def alarms(model: Model, scans: list[StagedScan]) -> Iterator[Figure]:
    """Share of the bags in alarm at the manifest's thresholds: as they are, and with every gun and knife (and what may be one) erased.

    The second says how much of the first is the threats, and how much the look of a staged bag.
    """
    erased = [fill_region(s.pixels, s.region((*TRACED, UNSURE), 2)) for s in scans]
    for key, what, squares in (
        ("staged.alarms", "in alarm at the manifest's thresholds", [s.pixels for s in scans]),
        ("staged.alarms.erased", "in alarm with every gun and knife erased", erased),
    ):
        count = in_alarm(model, model.score(np.stack(squares)).fused)
        yield Figure(key, f"{WHERE}: {what}, share", count / len(scans), wilson(count, len(scans)), f"{count}/{len(scans)}", None)


def projected(model: Model, root: Path, pairs: int, seed: int = 20261122) -> Iterator[Figure]:
    """Guns and knives cut out of the staged test bags, projected into held-out benign bags: composites against their twins."""
    from lanescope.data.bank import CUT_LONGEST, load_bank
    from lanescope.data.compose import Difficulty, compose
    from lanescope.data.splits import TEST

    bank = load_bank(TEST, REPOSITORY / ".cache", root)
    patches = cut_outs(load_staged(TEST, CUT_LONGEST, root))
    difficulty = Difficulty.at(1.0)
    for label in TRACED:
        own = [p for p in patches if p.label == label]
        if not own:
            continue
        rng = np.random.default_rng([seed, CLASSES.index(label)])
        found: list[np.ndarray] = []
        twins: list[np.ndarray] = []
        groups: list[str] = []
        while len(groups) < pairs:
            scan = bank.benign[int(rng.integers(len(bank.benign)))]
            distractors = [bank.draw(DISTRACTOR, rng) for _ in range(int(rng.integers(0, difficulty.distractors + 1)))]
            threat = own[int(rng.integers(len(own)))]
            positive, twin = compose(scan.pixels, [threat], distractors, None, model.size, difficulty, rng, scan.group)
            if positive.threats:
                found.append(positive.pixels)
                twins.append(twin.pixels)
                groups.append(scan.group)
        what = f"{PLURAL[label]} cut out of {WHERE}, projected into held-out benign bags ({len(own)} cut-outs)"
        yield from twin_figures(model, found, twins, groups, label, f"staged.projected.{label}", what)


def evaluate_staged(model: Model, root: Path, pairs: int = 200) -> Iterator[Figure]:
    """Every protocol on the staged test bags."""
    scans, sample = staged_sample(root, model.size)
    yield from alarms(model, scans)
    yield from erased_twins(model, scans, sample.groups)
    yield from pointing(model, sample, "staged.pointing", WHERE, {})
    yield from projected(model, root, pairs)
    yield from against_benign(model, sample, benign_sample(root, model.size))
