"""Held-out composites against their twins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lanescope.measure.estimates import auc_estimate
from lanescope.measure.resampling import bootstrap, interval
from lanescope.patch import CLASSES
from lanescope.protocols import REPLICATES, Figure, best_cue, strongest, trivial_cues
from lanescope.scoring import REPOSITORY, Model


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
