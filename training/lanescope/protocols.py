"""Honest protocols: what a model sees of threats, apart from what it sees of image sources.

A model that had found almost nothing scored an AUC of 0.975 on SIXray's positives against benign bags, by height and brightness.
So every comparison here keeps the source the same (class against class, twins, erased twins, pointing), and carries the best trivial
cue's own AUC beside it. Each protocol yields `Figure`s, which go into the manifest as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lanescope.erasing import erase, random_box
from lanescope.measure.estimates import auc_estimate, pointing_table
from lanescope.measure.pointing import hit
from lanescope.measure.ranking import roc_auc
from lanescope.measure.resampling import bootstrap, interval, wilson
from lanescope.patch import CLASSES
from lanescope.scoring import Model

SCISSORS, KNIFE = CLASSES.index("scissors"), CLASSES.index("knife")
REPLICATES = 1000


@dataclass(frozen=True)
class Figure:
    """One stated number."""

    key: str
    what: str
    value: float
    interval: tuple[float, float]
    n: str
    chance: float | None
    trial: str | None = None
    """The figure that the trial stated for the same question."""
    cue: tuple[str, float] | None = None
    """The best trivial cue of the same comparison and its AUC (folded to at least 0.5)."""
    note: str | None = None

    def as_manifest(self) -> dict[str, object]:
        """The manifest's `figures` entry; keys without a value are left out."""
        entry: dict[str, object] = {
            "key": self.key,
            "what": self.what,
            "value": _plain(self.value),
            "interval": [_plain(v) for v in self.interval],
        }
        entry |= {"n": self.n, "chance": self.chance, "trial": self.trial, "note": self.note}
        if self.cue:
            entry["cue"] = {"name": self.cue[0], "auc": _plain(self.cue[1])}
        return {k: v for k, v in entry.items() if v is not None}


def _plain(value: float) -> float | None:
    return None if value != value else round(float(value), 4)


@dataclass
class ScanSet:
    """Prepared scans of one source."""

    squares: np.ndarray
    """uint8 [N, S, S, 3]"""
    groups: list[str]
    labels: list[str | None] = field(default_factory=list)
    boxes: list[list[tuple[str, tuple[float, float, float, float]]]] = field(default_factory=list)
    """For each scan its (class, x0 y0 x1 y1 in fractions of the square)."""

    def __len__(self) -> int:
        return len(self.squares)


def trivial_cues(squares: np.ndarray) -> dict[str, np.ndarray]:
    """What needs no network: height, aspect, brightness and share of what is not background, of the same prepared squares."""
    rows: dict[str, list[float]] = {"height": [], "aspect": [], "brightness": [], "share": []}
    for square in squares:
        bag = square.min(axis=2) < 250
        ys, xs = np.flatnonzero(bag.any(axis=1)), np.flatnonzero(bag.any(axis=0))
        if not len(ys):
            for values in rows.values():
                values.append(0.0)
            continue
        height, width = ys[-1] - ys[0] + 1, xs[-1] - xs[0] + 1
        rows["height"].append(float(height))
        rows["aspect"].append(width / height)
        rows["brightness"].append(float(square[bag].mean()))
        rows["share"].append(float(bag.mean()))
    return {k: np.array(v) for k, v in rows.items()}


def best_cue(cues: dict[str, np.ndarray], labels: np.ndarray) -> tuple[str, float]:
    """The cue whose AUC is farthest from chance, turned to whichever side helps it."""
    found = {name: roc_auc(values, labels) for name, values in cues.items()}
    name = max(found, key=lambda k: abs(found[k] - 0.5))
    return name, max(found[name], 1 - found[name])


def strongest(model: Model, z: np.ndarray) -> np.ndarray:
    """The scan's largest class score, each class's logit first put on one scale by the manifest's calibration. z: [N, 5] -> [N]."""
    classes = model.manifest["calibration"]["classes"]
    slope, shift = (np.array([classes[c][k] for c in CLASSES]) for k in ("a", "b"))
    return (slope * z + shift).max(axis=1)


def in_alarm(model: Model, z: np.ndarray) -> int:
    """How many scans have any class at or above its alarm threshold in the manifest. z: [N, 5]."""
    alarm = np.array([model.manifest["thresholds"][c]["alarm"] for c in CLASSES])
    return int((z >= alarm).any(axis=1).sum())


def class_against_class(model: Model, sample: ScanSet, key: str, where: str, trial: str | None) -> Iterator[Figure]:
    """Scissors scans against knife scans of one source, by z(scissors) - z(knife) and by z(scissors) alone."""
    keep = np.array([i for i, label in enumerate(sample.labels) if label in ("scissors", "knife")])
    labels = np.array([1 if sample.labels[i] == "scissors" else 0 for i in keep])
    groups = [sample.groups[i] for i in keep]
    z = model.score(sample.squares).fused[keep]
    cue = best_cue({k: v[keep] for k, v in trivial_cues(sample.squares).items()}, labels)
    n = f"{(labels > 0).sum()} scissors / {(labels == 0).sum()} knives"
    for suffix, what, score, old in (
        ("", "scissors score", z[:, SCISSORS], trial),
        (".knife", "knife score, knives against scissors", -z[:, KNIFE], None),
        (".difference", "scissors minus knife score", z[:, SCISSORS] - z[:, KNIFE], None),
    ):
        e = auc_estimate(score, labels, groups, replicates=REPLICATES)
        yield Figure(f"{key}{suffix}", f"scissors against knives, {where}, AUC ({what})", e.value, (e.low, e.high), n, 0.5, old, cue)


def erased_twins(model: Model, sample: ScanSet, key: str, where: str, trials: dict[str, str], most: int | None = None) -> Iterator[Figure]:
    """The threat's box smoothed away against a random box of the same size, in the same scans: AUC and share of scans ranked rightly.

    most: at most so many scans a class, evenly over the sample.
    """
    size = model.size
    for label in ("scissors", "knife"):
        with_threat, without, groups = [], [], []
        rows = [i for i, found in enumerate(sample.labels) if found == label]
        if most is not None and len(rows) > most:
            rows = [rows[int(k)] for k in np.linspace(0, len(rows) - 1, most)]
        for i in rows:
            x0, y0, x1, y1 = (v * size for v in sample.boxes[i][0][1])
            box = (x0, y0, x1, y1)
            elsewhere = random_box(sample.squares[i], box, seed=i)
            if elsewhere is None:
                continue
            with_threat.append(erase(sample.squares[i], elsewhere))
            without.append(erase(sample.squares[i], box))
            groups.append(sample.groups[i])
        if not groups:
            continue
        what = f"{label} erased against a random box erased, {where}"
        yield from twin_figures(model, with_threat, without, groups, label, f"{key}.{label}", what, trials.get(label))


def twin_figures(
    model: Model,
    positive: list[np.ndarray],
    negative: list[np.ndarray],
    groups: Sequence[str],
    label: str,
    key: str,
    what: str,
    trial: str | None = None,
) -> Iterator[Figure]:
    """AUC of the class's score over pairs of twins, and the share of pairs in which the one with the threat scores higher."""
    squares = np.stack(positive + negative)
    z = model.score(squares).fused[:, CLASSES.index(label)]
    n = len(groups)
    labels = np.array([1] * n + [0] * n)
    e = auc_estimate(z, labels, [*groups, *groups], replicates=REPLICATES)
    yield Figure(key, f"{what}, AUC", e.value, (e.low, e.high), f"{n} pairs", 0.5, trial, best_cue(trivial_cues(squares), labels))
    value, low, high = _pair_rate(z[:n] - z[n:], groups)
    yield Figure(f"{key}.pairs", f"{what}: the twin with the threat scores higher", value, (low, high), f"{n} pairs", 0.5)


def _pair_rate(differences: np.ndarray, groups: Sequence[str]) -> tuple[float, float, float]:
    wins = (differences > 0) + 0.5 * (differences == 0)
    with np.errstate(invalid="ignore"):
        draws = bootstrap(lambda w: (w @ wins) / w.sum(axis=1), groups, len(wins), REPLICATES)
    return float(wins.mean()), *interval(draws)


def pointing(model: Model, sample: ScanSet, key: str, where: str, trials: dict[str, str]) -> Iterator[Figure]:
    """Whether a class's peak lies in a box of that class: the paper's peak over scales (5.3), and the fused peak that the app shows.

    The prepared square stands for the image: a bilinear map has its maxima at its cells' centres at whatever size it is sampled.
    """
    scores = model.score(sample.squares)
    area: dict[str, list[float]] = {c: [] for c in CLASSES}
    hits = {name: np.full((len(sample), len(CLASSES)), -1) for name in ("paper", "app")}
    for i, boxes in enumerate(sample.boxes):
        for c, label in enumerate(CLASSES):
            own = [b for name, b in boxes if name == label]
            if not own:
                continue
            bag = (sample.squares[i].min(axis=2) < 250).mean()
            area[label].append(min(1.0, sum((b[2] - b[0]) * (b[3] - b[1]) for b in own) / max(bag, 1e-6)))
            for name, at in (("paper", scores.peaks_over_scales[i, c]), ("app", scores.peaks[i, c])):
                hits[name][i, c] = hit(float(at[0]), float(at[1]), own)
    for name, what in (("paper", "maximum over scales"), ("app", "the app's fused peak")):
        table = pointing_table(hits[name], sample.groups, CLASSES, replicates=REPLICATES)
        for label in CLASSES:
            e = table[label]
            if e.positives + e.negatives == 0:
                continue
            n = f"{e.positives}/{e.positives + e.negatives}"
            old = trials.get(label) if name == "paper" else None
            yield Figure(
                f"{key}.{label}.{name}",
                f"pointing, {label}, {where} ({what})",
                e.value,
                (e.low, e.high),
                n,
                round(float(np.mean(area[label])), 3),
                old,
            )


def against_benign(model: Model, positives: ScanSet, benign: ScanSet) -> Iterator[Figure]:
    """Positives against benign bags, a comparison of sources: stated only beside what the trivial cues reach."""
    squares = np.concatenate([positives.squares, benign.squares])
    labels = np.array([1] * len(positives) + [0] * len(benign))
    fused = model.score(squares).fused
    z = strongest(model, fused)
    e = auc_estimate(z, labels, positives.groups + benign.groups, replicates=REPLICATES)
    cue = best_cue(trivial_cues(squares), labels)
    note = "compares image sources, not threats: never quote it without the cue"
    n = f"{len(positives)} / {len(benign)}"
    yield Figure(
        "sixray.benign",
        "SIXray staged test bags against held-out benign bags, AUC (largest calibrated score)",
        e.value,
        (e.low, e.high),
        n,
        0.5,
        None,
        cue,
        note,
    )
    alarms = in_alarm(model, fused[len(positives) :])
    what = "held-out benign bags in alarm at the manifest's thresholds, share"
    yield Figure("sixray.benign-alarms", what, alarms / len(benign), wilson(alarms, len(benign)), f"{alarms}/{len(benign)}", None)
