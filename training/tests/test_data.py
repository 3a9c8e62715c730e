"""Projection: twins, labels, splits."""

import cv2
import numpy as np
import pytest
from synthetic import bank, clean_bag

from lanescope.data import shapes
from lanescope.data.batches import Recipe, composite_pair, make_samples, prefetched, real_pair
from lanescope.data.compose import Difficulty
from lanescope.data.scans import smooth_away
from lanescope.data.splits import SHARED, benign_scans, opixray_scans
from lanescope.patch import CLASSES, DISTRACTOR

RECIPE = Recipe(size=128, batch=8, real_share=0.25)


def test_twins_are_identical_outside_the_threat() -> None:
    made = bank()
    placed = 0
    for seed in range(12):
        positive, twin = composite_pair(made, RECIPE, Difficulty.at(0.5), np.random.default_rng(seed))
        # Blur carries the threat a few pixels further.
        inside = cv2.dilate(cv2.resize(positive.masks.max(axis=0).astype(np.float32), (128, 128)), np.ones((13, 13), np.uint8)) > 0
        assert np.array_equal(positive.pixels[~inside], twin.pixels[~inside])
        if positive.labels.any():
            placed += 1
            assert not np.array_equal(positive.pixels, twin.pixels)
    assert placed >= 8


def test_a_positive_without_its_threat_is_a_negative() -> None:
    positive, twin = composite_pair(bank(), RECIPE, Difficulty.at(0), np.random.default_rng(3))
    assert twin.labels.tolist() == [0] * 5 and twin.masks.max() == 0
    for c in range(5):
        assert (positive.masks[c].max() > 0) == (positive.labels[c] == 1)


def test_the_threat_lies_where_mask_and_box_say() -> None:
    positive, twin = composite_pair(bank(), Recipe(size=128, second_threat=0), Difficulty.at(0), np.random.default_rng(5))
    changed = np.abs(positive.pixels.astype(int) - twin.pixels).max(axis=2) > 25
    fact = positive.threats[0]
    ys, xs = np.nonzero(changed)
    assert float(fact["x0"]) * 128 - 4 <= xs.min() and xs.max() <= float(fact["x1"]) * 128 + 4
    assert float(fact["y0"]) * 128 - 4 <= ys.min() and ys.max() <= float(fact["y1"]) * 128 + 4


def test_a_threat_dims_and_never_brightens() -> None:
    rng = np.random.default_rng(0)
    for name in (*shapes.THREATS, *shapes.EVERYDAY):
        patch = shapes.make_patch(name, rng, 96)
        assert patch.label == (name if name in CLASSES else DISTRACTOR)
        assert 0 < patch.transmission.min() and patch.transmission.max() <= 1 and max(patch.mask.shape) <= 96
        assert patch.transmission[patch.mask].mean() < 0.95 and patch.mask.any()


def test_batches_are_the_same_for_the_same_step_and_differ_between_steps() -> None:
    made = bank()
    first, again, other = (make_samples(made, RECIPE, 1, step, 0.3) for step in (4, 4, 5))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.pixels, b.pixels) for a, b in zip(first, other, strict=True))
    assert len(first) == 8 and {s.source for s in first} >= {"composite", "twin", "opixray", "opixray-erased"}


def test_real_scans_score_only_what_their_labels_vouch_for() -> None:
    here, gone = real_pair(bank(), RECIPE, np.random.default_rng(0))
    unknown = [CLASSES.index(name) for name in ("gun", "wrench", "pliers")]
    for sample in (here, gone):
        assert (sample.labels[unknown] == -1).all() and (sample.masks[unknown] == -1).all()
    assert here.labels.max() == 1 and gone.labels.max() == 0


def test_smoothing_away_changes_the_box_alone() -> None:
    scan = clean_bag(2, True)
    assert scan.box is not None
    marked = scan.pixels.copy()
    marked[30:50, 40:70] = 0
    erased = smooth_away(marked, scan.box)
    assert erased[35:45, 45:65].mean() > 100
    assert np.array_equal(erased[:20], marked[:20]) and np.array_equal(erased[:, 85:], marked[:, 85:])


def test_an_error_while_making_batches_is_not_swallowed() -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield from ()
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        list(prefetched(broken()))


@pytest.mark.skipif(not SHARED.exists(), reason="the real scans are not on this machine")
def test_no_bag_is_in_two_splits() -> None:
    for scans in (benign_scans(), opixray_scans()):
        assert len(scans) > 250
        split_of: dict[str, set[str]] = {}
        for scan in scans:
            if scan.split != "unused":
                split_of.setdefault(scan.group, set()).add(scan.split)
        assert all(len(splits) == 1 for splits in split_of.values())
    assert not [s for s in opixray_scans() if s.file.parent.name == "valid" and s.split in ("train", "validation")]
