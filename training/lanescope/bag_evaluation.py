"""Real scans of the held-out split as a lane sees them: alarms, erased twins and pointing by class and source; benign bags' false alarms.

Everything goes through the whole of `bag-2` and the manifest's thresholds, as in the app. Erasing fills boxes in the scan itself,
by another fill than
training's (`erasing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lanescope.data.bags import IFLYTEK_KNOWN, Annotated, annotated_scans, read_annotated
from lanescope.data.scans import in_parallel
from lanescope.erasing import erase, random_box
from lanescope.measure.pointing import in_any_box
from lanescope.measure.resampling import bootstrap, interval, wilson
from lanescope.patch import CLASSES
from lanescope.preprocess import Prepared, prepare
from lanescope.protocols import REPLICATES, Figure
from lanescope.scoring import Model
from lanescope.whole_scans import WholeScan, score_scans

SOURCES = {"sixray": "SIXray", "iflytek": "iFLYTEK"}


@dataclass
class Versions:
    """One annotated scan and its edited versions, decoded."""

    scan: Annotated
    whole: np.ndarray
    """uint8 [H, W, 3]."""
    erased: dict[str, np.ndarray] = field(default_factory=dict)
    """By class: every box of it erased."""
    elsewhere: dict[str, np.ndarray] = field(default_factory=dict)
    """By class: as many boxes of the same sizes erased where no box is."""


def versions_of(scan: Annotated, seed: int = 0) -> Versions:
    """Read a scan and make its twins."""
    image = read_annotated(scan)
    made = Versions(scan, image)
    for label in {name for name, _ in scan.boxes}:
        gone, other = image, image
        found = True
        for name, box in scan.boxes:
            if name != label:
                continue
            gone = erase(gone, box)
            places = (random_box(other, box, attempt) for attempt in range(seed, seed + 9))
            place = next((p for p in places if p and not any(_touch(p, taken) for _, taken in scan.boxes)), None)
            if place is None:
                found = False
                break
            other = erase(other, place)
        made.erased[label] = gone
        if found:
            made.elsewhere[label] = other
    return made


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def evaluate_bags(
    model: Model,
    root: Path,
    split: str = "test",
    preparing: Callable[[np.ndarray, int], list[Prepared]] = prepare,
) -> Iterator[Figure]:
    """All figures of one split.

    Args:
        preparing: another preprocessing than `bag-2`, for a model of before.
    """
    alarm = np.array([model.manifest["thresholds"][c]["alarm"] for c in CLASSES])
    scans = [scan for scan in annotated_scans(root) if scan.split == split]
    made = in_parallel(versions_of, [s for s in scans if s.source in SOURCES])
    images = [image for v in made for image in (v.whole, *v.erased.values(), *v.elsewhere.values())]
    answers = iter(score_scans(model, images, preparing))
    rows = [_Row(v, next(answers), {k: next(answers) for k in v.erased}, {k: next(answers) for k in v.elsewhere}) for v in made]
    for source, where in SOURCES.items():
        for c, label in enumerate(CLASSES):
            yield from _class_figures([r for r in rows if r.of.scan.source == source], c, label, f"bags.{source}", where, alarm)
    yield from _without(rows, alarm)
    benign = [s for s in scans if s.source in ("benign", "frame")]
    decoded = in_parallel(read_annotated, benign)
    yield from _benign(benign, score_scans(model, decoded, preparing), alarm)


@dataclass
class _Row:
    of: Versions
    whole: WholeScan | None
    erased: dict[str, WholeScan | None]
    elsewhere: dict[str, WholeScan | None]


def _share(key: str, what: str, hits: list[bool]) -> Figure:
    n, yes = len(hits), sum(hits)
    return Figure(key, what, yes / n, wilson(yes, n), f"{yes}/{n}", None)


def _fires(scan: WholeScan | None, alarm: np.ndarray) -> bool:
    """In alarm; a scan without a bag is unscreenable, which an operator treats as one."""
    return scan is None or bool((scan.fused >= alarm).any())


def _class_figures(rows: list[_Row], c: int, label: str, key: str, where: str, alarm: np.ndarray) -> Iterator[Figure]:
    present = [r for r in rows if r.of.scan.labels[c] == 1]
    if not present:
        return
    yield _share(
        f"{key}.{label}.alarm", f"{where} scans with {label}, never trained on: in alarm", [_fires(r.whole, alarm) for r in present]
    )
    own = [r.whole is None or bool(r.whole.fused[c] >= alarm[c]) for r in present]
    yield _share(f"{key}.{label}.own", f"{where} scans with {label}: in alarm for {label} itself", own)
    boxed = [r for r in present if label in r.erased]
    if not boxed:
        return
    yield _share(
        f"{key}.{label}.erased-alarm",
        f"the same scans with every boxed {label} erased: in alarm",
        [_fires(r.erased[label], alarm) for r in boxed],
    )
    pairs = [(r.elsewhere[label], r.erased[label], r.of.scan.group) for r in boxed if label in r.elsewhere]
    wins, groups = [], []
    for here, gone, group in pairs:
        if here is not None and gone is not None:
            wins.append(float(here.fused[c] > gone.fused[c]) + 0.5 * float(here.fused[c] == gone.fused[c]))
            groups.append(group)
    if wins:
        w = np.array(wins)
        draws = bootstrap(lambda weights: (weights @ w) / weights.sum(axis=1), groups, len(w), REPLICATES)
        what = f"{label} erased against another box erased, {where}: the twin with the threat scores higher"
        yield Figure(f"{key}.{label}.twins", what, float(w.mean()), interval(draws), f"{len(w)} pairs", 0.5)
    for name, words in (("app", "the app's fused peak"), ("paper", "maximum over scales")):
        hits, shares = [], []
        for r in boxed:
            if r.whole is None:
                continue
            boxes = [box for other, box in r.of.scan.boxes if other == label]
            height, width = r.of.whole.shape[:2]
            at = (r.whole.peaks if name == "app" else r.whole.peaks_over_scales)[c]
            hits.append(in_any_box(float(at[0]) * width, float(at[1]) * height, boxes))
            shares.append(sum((b[2] - b[0]) * (b[3] - b[1]) for b in boxes) / (width * height))
        if hits:
            figure = _share(f"{key}.{label}.pointing.{name}", f"pointing, {label}, {where} ({words})", hits)
            yield Figure(figure.key, figure.what, figure.value, figure.interval, figure.n, round(float(np.mean(shares)), 3))


def _without(rows: list[_Row], alarm: np.ndarray) -> Iterator[Figure]:
    free = [r for r in rows if r.of.scan.source == "iflytek" and all(r.of.scan.labels[CLASSES.index(c)] == 0 for c in IFLYTEK_KNOWN)]
    if free:
        what = "iFLYTEK scans without knife or scissors, scanner type never trained on: in alarm (other classes were never annotated)"
        yield _share("bags.iflytek.free-alarm", what, [_fires(r.whole, alarm) for r in free])


def _benign(scans: list[Annotated], answers: list[WholeScan | None], alarm: np.ndarray) -> Iterator[Figure]:
    crops = [a for s, a in zip(scans, answers, strict=True) if s.source == "benign"]
    frames = [a for s, a in zip(scans, answers, strict=True) if s.source == "frame"]
    if crops:
        yield _share("bags.benign.crops", "held-out benign crops in alarm", [_fires(a, alarm) for a in crops])
    if frames:
        bags = [bool((z >= alarm).any()) for a in frames if a is not None for z in a.bags]
        yield _share("bags.benign.frame-bags", "bags of held-out benign belt frames in alarm, bag by bag", bags)
        yield _share("bags.benign.frames", "held-out benign belt frames in alarm", [_fires(a, alarm) for a in frames])
