"""Single-label mode (5.5): learns digits that a package ships, and compares two variants on the same test digits."""

import numpy as np
import pytest

from lanescope.single_label import TRAIN, Outcome, Plan, compare, digits, run


def test_it_learns_and_predicts_by_the_mean_of_its_levels():
    pytest.importorskip("sklearn")
    scans, labels = digits(32)
    assert scans.shape == (1797, 3, 32, 32) and float(scans.min()) == -1 and float(scans.max()) <= 1
    assert bool((labels.sum(dim=1) == 1).all())
    found = run("CHR", 0, Plan(epochs=2), (scans, labels))
    assert len(found.right) == 1797 - TRAIN and found.right.mean() > 0.7  # chance is 0.1
    assert found.levels.shape == (3,) and found.levels.min() > 0.3


def test_differences_are_paired():
    rng = np.random.default_rng(0)
    base = rng.random(400) < 0.8
    better = base.copy()
    better[np.flatnonzero(~base)[:20]] = True
    found = compare({"base": [Outcome(base, np.zeros(1))], "CHR": [Outcome(better, np.zeros(3))]}, 500)
    value, low, high = found["CHR less base"]
    assert value == pytest.approx(0.05) and 0.02 < low < value < high < 0.08
    assert found["base"][2] - found["base"][1] > high - low  # narrower than either alone
