"""Staged bags with traced outlines: the file, erasing, pairs and cut-outs, on made-up scans."""

import numpy as np

from lanescope.data.staged import (
    BAGS,
    TRACED,
    UNSURE,
    StagedScan,
    StagedThreat,
    cut_outs,
    load_staged,
    read_outlines,
    smoothed_elsewhere,
    staged_pair,
    staged_sample,
    without,
)
from lanescope.erasing import fill_region, moved_elsewhere
from lanescope.patch import CLASSES

GUN, KNIFE = CLASSES.index("gun"), CLASSES.index("knife")


def staged(*labels: str) -> StagedScan:
    """A grey bag with a dark square for each label, far from each other."""
    rng = np.random.default_rng(0)
    pixels = np.full((120, 200, 3), 255, np.uint8)
    pixels[5:115, 5:195] = rng.integers(170, 190, (110, 190, 3))
    threats = []
    for i, label in enumerate(labels):
        x, y = 20 + 60 * i, 40
        pixels[y : y + 24, x : x + 24] = 30
        outline = np.array([[x, y], [x + 23, y], [x + 23, y + 23], [x, y + 23]], np.float32)
        threats.append(StagedThreat(label, outline))
    return StagedScan(pixels, threats, "suitcase", "P00000")


def test_the_outline_file_is_whole():
    outlines = read_outlines()
    assert len(outlines) > 200
    for name, (bag, objects) in outlines.items():
        assert name.startswith("P") and bag
        for label, points in objects:
            assert label in (*TRACED, UNSURE)
            assert len(points) >= 3 and points.min() >= 0 and points.max() <= 1000
    train = {n for n, (bag, _) in outlines.items() if BAGS.get(bag) == "train"}
    test = {n for n, (bag, _) in outlines.items() if BAGS.get(bag) == "test"}
    assert len(train) > 100 and len(test) > 80 and not train & test


def test_without_the_scans_there_is_nothing_to_train_on(tmp_path):
    assert load_staged("train", 100, tmp_path) == []


def test_erasing_one_class_leaves_the_other():
    scan = staged("gun", "knife")
    pixels = without(scan, ("gun",))
    assert pixels[scan.region(("gun",))].mean() > 150
    assert (pixels[scan.region(("knife",))] == 30).all()
    kept = smoothed_elsewhere(scan, ("gun",), np.random.default_rng(1))
    assert (kept[scan.region(("gun", "knife"))] == 30).all() and (kept != scan.pixels).any()


def test_labels_and_masks_follow_what_is_left():
    scan = staged("gun", "knife")
    seen = set()
    for seed in range(12):
        here, gone = staged_pair([scan], 96, np.random.default_rng(seed))
        assert here.labels[GUN] == here.labels[KNIFE] == 1 and here.masks[GUN].max() == here.masks[KNIFE].max() == 1
        for c in (GUN, KNIFE):
            assert (gone.masks[c].max() > 0) == (gone.labels[c] == 1)
        assert gone.labels[2:].tolist() == [0, 0, 0]
        seen.add((int(gone.labels[GUN]), int(gone.labels[KNIFE])))
    assert seen == {(0, 0), (1, 0), (0, 1)}


def test_what_the_eye_could_not_tell_is_unknown_while_it_is_there():
    scan = staged("knife", UNSURE)
    there = staged_sample(scan, scan.pixels, ("knife",), 96, np.random.default_rng(0), gentle=True)
    assert there.labels[KNIFE] == 1 and there.labels[GUN] == -1 and (there.masks[GUN] == -1).all()
    cleared = staged_sample(scan, without(scan, ("knife",)), (), 96, np.random.default_rng(0), gentle=True)
    assert cleared.labels.tolist() == [0] * 5


def test_a_cut_out_is_the_object_and_never_two():
    patches = cut_outs([staged("gun", "knife", UNSURE)])
    assert sorted(p.label for p in patches) == ["gun", "knife"]
    for patch in patches:
        assert 400 < patch.mask.sum() < 800 and patch.transmission[patch.mask].mean() < 0.4
        assert patch.transmission[~patch.mask].mean() > 0.9
    crossed = staged("gun")
    crossed.threats.append(StagedThreat("knife", crossed.threats[0].outline + 8))
    assert cut_outs([crossed]) == []


def test_filling_for_evaluation_and_the_place_it_is_compared_with():
    scan = staged("gun")
    shape = scan.region(("gun",))
    filled = fill_region(scan.pixels, shape)
    assert filled[shape].min() > 120 and (filled[~shape] == scan.pixels[~shape]).all()
    moved = moved_elsewhere(scan.pixels, shape, shape, seed=0)
    assert moved is not None and moved.sum() == shape.sum() and not (moved & shape).any()
    assert moved_elsewhere(scan.pixels, shape, np.ones_like(shape), seed=0) is None
