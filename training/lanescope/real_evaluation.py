"""The honest protocols on real scans: what a model sees of threats, apart from what it sees of image sources.

A model that had found almost nothing scored an AUC of 0.975 on SIXray's positives against benign bags, by height and brightness.
So every comparison here keeps the source the same (class against class, twins, erased twins, pointing), and carries the best trivial
cue's own AUC beside it. Each protocol yields `Figure`s, which go into the manifest as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lanescope.erasing import erase, random_box
from lanescope.metrics import auc_estimate, bootstrap, in_any_box, interval, pointing_table, wilson
from lanescope.patch import CLASSES
from lanescope.preprocess import pad
from lanescope.scoring import REPOSITORY, Model

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
    """The trial's figure for the same question (shared TRAINING.md), as it was stated there."""
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
class Sample:
    """Prepared scans of one source."""

    squares: np.ndarray
    """uint8 [N, S, S, 3]"""
    groups: list[str]
    labels: list[str | None] = field(default_factory=list)
    boxes: list[list[tuple[str, tuple[float, float, float, float]]]] = field(default_factory=list)
    """For each scan its (class, x0 y0 x1 y1 in fractions of the square)."""

    def __len__(self) -> int:
        return len(self.squares)


# --- trivial cues ----------------------------------------------------------------------------------------------------------------


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
    from lanescope.metrics import roc_auc

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


# --- protocols -------------------------------------------------------------------------------------------------------------------


def class_against_class(model: Model, sample: Sample, key: str, where: str, trial: str | None) -> Iterator[Figure]:
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


def erased_twins(model: Model, sample: Sample, key: str, where: str, trials: dict[str, str], most: int | None = None) -> Iterator[Figure]:
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


def pointing(model: Model, sample: Sample, key: str, where: str, trials: dict[str, str]) -> Iterator[Figure]:
    """Whether a class's peak lies in a box of that class: the paper's peak over scales, and the fused peak that the app shows."""
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
                hits[name][i, c] = int(in_any_box(float(at[0]), float(at[1]), own))
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


def composite_twins(model: Model, squares: np.ndarray, twins: CompositeTwins, trials: dict[str, str]) -> Iterator[Figure]:
    """Held-out composites with a threat against their twins without: by class, any threat, size, contrast; recall at 1 % false alarms.

    squares: uint8 [2N, S, S, 3], N with a threat and then their N twins.
    """
    n = len(twins.labels)
    z = model.score(squares).fused
    labels = np.array([1] * n + [0] * n)
    any_threat = strongest(model, z)
    cue = best_cue(trivial_cues(squares), labels)

    def figure(key: str, what: str, score: np.ndarray, rows: np.ndarray, old: str | None) -> Figure:
        both = np.concatenate([rows, rows + n])
        e = auc_estimate(score[both], labels[both], [twins.groups[i] for i in rows] * 2, replicates=REPLICATES)
        return Figure(key, what, e.value, (e.low, e.high), f"{len(rows)} / {len(rows)}", 0.5, old, cue if len(rows) == n else None)

    every = np.arange(n)
    yield figure(
        "twins.any",
        "held-out composites, any threat, against their twins, AUC (largest calibrated score)",
        any_threat,
        every,
        trials.get("any"),
    )
    for c, label in enumerate(CLASSES):
        rows = np.flatnonzero([name == label for name in twins.labels])
        if len(rows) >= 10:
            yield figure(
                f"twins.{label}", f"held-out composites with {label} against their twins, AUC ({label} score)", z[:, c], rows, None
            )
    own = z[np.arange(2 * n), [CLASSES.index(name) for name in twins.labels] * 2]  # the twin is asked for the same class
    for name, values in (("size", twins.sizes), ("contrast", twins.contrasts)):
        if values is None:
            continue
        cuts = np.quantile(values, [1 / 3, 2 / 3])
        for word, rows in (
            (("small", "low contrast")[name == "contrast"], np.flatnonzero(values <= cuts[0])),
            (("large", "high contrast")[name == "contrast"], np.flatnonzero(values > cuts[1])),
        ):
            slug = word.split()[0]
            yield figure(
                f"twins.{name}.{slug}",
                f"held-out composites, {word} third, against their twins, AUC (score of the threat's class)",
                own,
                rows,
                trials.get(slug),
            )
    threshold = np.quantile(any_threat[n:], 0.99)
    hit = (any_threat[:n] > threshold).astype(float)
    draws = bootstrap(lambda w: (w @ hit) / w.sum(axis=1), twins.groups, n, REPLICATES)
    low, high = interval(draws)
    yield Figure(
        "twins.recall",
        "recall at 1 % false alarms, same composites and twins",
        float(hit.mean()),
        (low, high),
        f"{n} / {n}",
        0.01,
        trials.get("recall"),
    )


@dataclass(frozen=True)
class CompositeTwins:
    """What is known of each composite pair."""

    labels: list[str]
    groups: list[str]
    """The background bag, so that composites in one bag are drawn together."""
    sizes: np.ndarray | None
    """Longest side of the threat as a share of the square's side."""
    contrasts: np.ndarray | None
    """How much the threat darkens what is under it, mean over its silhouette, 0-1."""


def against_benign(model: Model, positives: Sample, benign: Sample) -> Iterator[Figure]:
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


# --- samples from the shared data ------------------------------------------------------------------------------------------------


def opixray_sample(root: Path, size: int, which: str, limit: int | None = None) -> Sample:
    """OPIXray scans, un-stretched and prepared: "valid" is the official list, "test" the blocks that training never touches."""
    from lanescope.data.scans import load_clean
    from lanescope.data.splits import TEST, opixray_scans

    scans = [s for s in opixray_scans(root) if (s.file.parent.name == "valid" if which == "valid" else s.split == TEST)]
    if limit:
        by_class = {c: [s for s in scans if s.label == c][:limit] for c in ("scissors", "knife")}
        scans = by_class["scissors"] + by_class["knife"]
    cleaned = load_clean(scans, size, REPOSITORY / ".cache" / "real", f"evaluate-{which}-{limit or 'all'}")
    squares, boxes = [], []
    for c in cleaned:
        square, (left, top) = pad(c.pixels, size)
        squares.append(square)
        assert c.box is not None and c.label is not None  # every OPIXray scan is boxed
        x0, y0, x1, y1 = c.box
        boxes.append([(c.label, ((x0 + left) / size, (y0 + top) / size, (x1 + left) / size, (y1 + top) / size))])
    return Sample(np.stack(squares), [c.group for c in cleaned], [c.label for c in cleaned], boxes)


def benign_sample(root: Path, size: int) -> Sample:
    """Benign SIXray bags of the held-out blocks."""
    from lanescope.data.scans import load_clean
    from lanescope.data.splits import TEST, benign_scans

    cleaned = load_clean([s for s in benign_scans(root) if s.split == TEST], size, REPOSITORY / ".cache" / "real", "evaluate-benign")
    return Sample(np.stack([pad(c.pixels, size)[0] for c in cleaned]), [c.group for c in cleaned])


# --- all of it -------------------------------------------------------------------------------------------------------------------

TRIAL_SCISSORS_KNIVES = "0.914 [0.88, 0.945]"
TRIAL: dict[str, dict[str, str]] = {
    "pointing": {"scissors": "109/120", "knife": "94/180"},
    "erased": {"scissors": "0.956", "knife": "0.597"},
    "twins": {"any": "0.742 [0.724, 0.759]", "small": "0.58", "large": "0.80", "low": "0.57", "high": "0.83", "recall": "0.075"},
}


def evaluate(
    model: Model,
    root: Path,
    *,
    quick: bool = False,
    pairs: int = 500,
    erased: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> list[Figure]:
    """Every protocol, in order of what it says about threats. root: the shared data folder.

    erased: at most so many scans a class and set for the erased twins (two scorings each).
    quick: a fifth of the scans, for a look while training; its figures are marked and must not be published.
    """
    from lanescope.staged_evaluation import evaluate_staged

    figures: list[Figure] = []

    def add(found: Iterator[Figure]) -> None:
        for figure in found:
            figure = replace(figure, note="quick look, subset") if quick else figure
            figures.append(figure)
            progress(f"{figure.what}: {figure.value:.3f} [{figure.interval[0]:.3f}, {figure.interval[1]:.3f}] (n = {figure.n})")

    sets = (
        [("valid", "OPIXray valid", "opixray")]
        if quick
        else [("valid", "OPIXray valid", "opixray"), ("test", "OPIXray held-out blocks", "heldout")]
    )
    for which, where, key in sets:
        sample = opixray_sample(root, model.size, which, 60 if quick else None)
        main = which == "valid"
        add(class_against_class(model, sample, f"{key}.scissors-knife", where, TRIAL_SCISSORS_KNIVES if main else None))
        add(erased_twins(model, sample, f"{key}.erased", where, TRIAL["erased"] if main else {}, erased))
        add(pointing(model, sample, f"{key}.pointing", where, TRIAL["pointing"] if main else {}))
    add(composite_twins(model, *make_composites(root, model.size, 120 if quick else pairs), TRIAL["twins"]))
    add(evaluate_staged(model, root, 40 if quick else 200))
    return figures


def make_composites(root: Path, size: int, pairs: int, seed: int = 20261122) -> tuple[np.ndarray, CompositeTwins]:
    """Held-out composites and their twins: backgrounds, cut-outs and renders that training never met.

    One threat each, as small and faint as at the end of training. Kept in a cache that is named by all that goes into them: every
    model is asked the same.
    """
    from lanescope.data.bank import load_bank
    from lanescope.data.batches import Recipe, composite_pair
    from lanescope.data.compose import Difficulty
    from lanescope.data.splits import TEST

    bank = load_bank(TEST, REPOSITORY / ".cache", root)
    ingredients = hashlib.sha256(json.dumps([bank.counts(), size, pairs, seed], sort_keys=True).encode()).hexdigest()[:12]
    kept = REPOSITORY / ".cache" / "real" / f"composites-{ingredients}.npz"
    if not kept.exists():
        rng = np.random.default_rng(seed)
        recipe = Recipe(size=size, second_threat=0.0)
        with_threat: list[np.ndarray] = []
        without: list[np.ndarray] = []
        facts: list[tuple[object, ...]] = []
        while len(facts) < pairs:
            positive, twin = composite_pair(bank, recipe, Difficulty.at(1.0), rng)
            if positive.threats:  # in a bag too small for it the threat finds no place
                with_threat.append(positive.pixels)
                without.append(twin.pixels)
                facts.append((positive.threats[0]["label"], positive.group, positive.threats[0]["size"], positive.threats[0]["contrast"]))
        labels, groups, sizes, contrasts = zip(*facts, strict=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part.npz")
        np.savez(partial, squares=np.stack(with_threat + without), labels=labels, groups=groups, sizes=sizes, contrasts=contrasts)
        partial.replace(kept)
    with np.load(kept) as stored:
        twins = CompositeTwins(stored["labels"].tolist(), stored["groups"].tolist(), stored["sizes"] / size, stored["contrasts"])
        return stored["squares"], twins
