"""All honest protocols on real scans, in order of what they say about threats (`protocols` explains them)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from lanescope.composite_evaluation import composite_twins, make_composites
from lanescope.protocols import REPLICATES, Figure, class_against_class, erased_twins, pointing
from lanescope.real_scans import opixray_sample
from lanescope.scoring import Model
from lanescope.staged_evaluation import evaluate_staged

__all__ = ["REPLICATES", "Figure", "evaluate"]

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
