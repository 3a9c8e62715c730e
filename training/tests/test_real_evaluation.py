"""The protocols on real scans, tried on made-up scans with models whose true ability is known."""

import json
import os
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from lanescope.composite_evaluation import CompositeTwins, composite_twins
from lanescope.erasing import erase, random_box
from lanescope.patch import CLASSES
from lanescope.protocols import (
    ScanSet,
    against_benign,
    best_cue,
    class_against_class,
    erased_twins,
    pointing,
    strongest,
    trivial_cues,
)
from lanescope.scoring import Model, Scores

S = 64
rng = np.random.default_rng(3)


def scans(n: int = 40) -> ScanSet:
    """Grey bags with one small dark object each, its box known: scissors darker than knives."""
    squares, boxes, labels = [], [], []
    for i in range(n):
        square = np.full((S, S, 3), 255, np.uint8)
        square[8:56, 8:56] = rng.integers(150, 190, (48, 48, 3))
        x, y = rng.integers(12, 44, 2)
        labels.append("scissors" if i % 2 else "knife")
        square[y : y + 8, x : x + 8] = 20 if i % 2 else 60
        squares.append(square)
        boxes.append([(labels[-1], (x / S, y / S, (x + 8) / S, (y + 8) / S))])
    return ScanSet(np.stack(squares), [f"bag{i}" for i in range(n)], labels, boxes)


class Known:
    """A model of known ability behind the real one's interface. "sees": points at the darkest 8 x 8 patch and scores it; "blind": noise."""

    size = S
    manifest: ClassVar = {"calibration": {"classes": {c: {"a": 1.0, "b": 0.0} for c in CLASSES}}}

    def __init__(self, ability: str) -> None:
        self.ability = ability

    def score(self, squares: np.ndarray) -> Scores:
        n = len(squares)
        if self.ability == "blind":
            noise = np.random.default_rng(int(squares.sum() % 2**32))
            return Scores(noise.normal(size=(n, 3, 5)), *(noise.random((n, 5, 2)) for _ in range(2)))
        dark = 255 - squares.astype(float).mean(axis=3)
        windows = np.lib.stride_tricks.sliding_window_view(dark, (8, 8), axis=(1, 2)).mean(axis=(3, 4)).reshape(n, -1)
        at = windows.argmax(axis=1)
        z = np.repeat((windows.max(axis=1) / 100)[:, None], 5, axis=1)
        z[:, CLASSES.index("knife")] = -z[:, CLASSES.index("scissors")] if self.ability == "tells" else z[:, 0]
        peak = np.stack([at % (S - 7) + 4, at // (S - 7) + 4], axis=1) / S
        return Scores(np.repeat(z[:, None], 3, axis=1), *(np.repeat(peak[:, None], 5, axis=1) for _ in range(2)))


def values(figures) -> dict[str, float]:
    return {f.key: f.value for f in figures}


def test_erasing_removes_the_object_and_nothing_else():
    sample = scans(1)
    box = tuple(v * S for v in sample.boxes[0][0][1])
    gone = erase(sample.squares[0], box)
    x0, y0, x1, y1 = (int(v) for v in box)
    assert gone[y0:y1, x0:x1].min() > 120 and sample.squares[0][y0:y1, x0:x1].max() < 80
    outside = np.ones((S, S), bool)
    outside[max(0, y0 - 2) : y1 + 3, max(0, x0 - 2) : x1 + 3] = False
    assert (gone[outside] == sample.squares[0][outside]).all()


def test_erasing_at_the_edge_and_of_everything_stays_inside():
    square = scans(1).squares[0]
    assert erase(square, (-5, -5, 10, 10)).shape == square.shape
    assert erase(square, (0, 0, S, S)).shape == square.shape
    assert (erase(square, (S + 20, 5, S + 30, 9)) == square).all()


def test_random_box_is_as_large_and_off_the_threat():
    square, box = scans(1).squares[0], (20.0, 20.0, 30.0, 28.0)
    for seed in range(30):
        other = random_box(square, box, seed)
        assert other is not None and other[2] - other[0] == pytest.approx(10) and other[3] - other[1] == pytest.approx(8)
        assert other[0] > box[2] or other[2] < box[0] or other[1] > box[3] or other[3] < box[1]
        assert 0 <= other[0] and other[2] <= S and 0 <= other[1] and other[3] <= S
    assert random_box(square, (0, 0, S, S), 0) is None


def test_erased_twins_find_the_seeing_model_and_not_the_blind_one():
    sees, blind = (values(erased_twins(Known(a), scans(), "e", "here", {})) for a in ("sees", "blind"))
    assert sees["e.scissors"] > 0.95 and sees["e.knife.pairs"] > 0.95
    assert 0.2 < blind["e.scissors"] < 0.8


def test_class_against_class_needs_to_tell_them_apart():
    tells = values(class_against_class(Known("tells"), scans(), "c", "here", None))
    assert tells["c"] > 0.95 and tells["c.knife"] > 0.95 and tells["c.difference"] > 0.95


def test_pointing_counts_peaks_in_boxes_beside_chance():
    sees = list(pointing(Known("sees"), scans(), "p", "here", {"knife": "old"}))
    assert {f.value for f in sees} == {1.0} and sees[0].n == "20/20" and sees[0].chance == pytest.approx(64 / 48**2, abs=0.005)
    assert any(f.trial == "old" for f in sees)
    blind = list(pointing(Known("blind"), scans(), "p", "here", {}))
    assert max(f.value for f in blind) < 0.3


def test_twins_by_size_and_contrast():
    sample = scans(40)
    clean = np.stack([erase(s, tuple(v * S for v in b[0][1])) for s, b in zip(sample.squares, sample.boxes, strict=True)])
    twins = CompositeTwins(sample.labels, sample.groups, rng.random(40), rng.random(40))
    found = values(composite_twins(Known("sees"), np.concatenate([sample.squares, clean]), twins, {}))
    assert found["twins.any"] > 0.95 and found["twins.scissors"] > 0.95 and found["twins.recall"] > 0.9
    assert {"twins.size.small", "twins.size.large", "twins.contrast.low", "twins.contrast.high"} <= found.keys()


def test_classes_meet_on_the_calibrated_scale():
    model = Known("sees")
    model.manifest = {
        "calibration": {"classes": {c: {"a": 2.0 if c == "gun" else 1.0, "b": -3.0 if c == "knife" else 0.0} for c in CLASSES}}
    }
    assert strongest(model, np.array([[1.0, 4.5, 0, 0, 0], [0, 1, 0.5, 0, 0]])).tolist() == [2.0, 0.5]


def test_benign_bags_over_a_threshold_are_counted_with_a_bound():
    sample = scans(40)
    clean = np.stack([erase(s, tuple(v * S for v in b[0][1])) for s, b in zip(sample.squares, sample.boxes, strict=True)])
    model = Known("sees")
    model.manifest = {**Known.manifest, "thresholds": {c: {"alarm": 1.5} for c in CLASSES}}
    found = {f.key: f for f in against_benign(model, sample, ScanSet(clean, sample.groups))}
    assert found["sixray.benign"].value > 0.95 and found["sixray.benign"].cue is not None
    alarms = found["sixray.benign-alarms"]
    assert alarms.value == 0 and alarms.interval[1] == pytest.approx(0.0876, abs=1e-3)  # Wilson at 0 of 40: not "no false alarms"


def test_trivial_cues_measure_the_source():
    tall, wide = np.full((2, S, S, 3), 255, np.uint8)
    tall[4:60, 24:40] = 100
    wide[24:40, 4:60] = 180
    cues = trivial_cues(np.stack([tall, wide, np.full_like(tall, 255)]))
    assert (
        cues["height"].tolist() == [56, 16, 0]
        and cues["aspect"][0] == pytest.approx(16 / 56)
        and cues["brightness"][:2].tolist() == [100, 180]
    )
    assert best_cue({"a": np.array([1.0, 2, 3, 4]), "b": np.array([4.0, 3, 2, 1])}, np.array([0, 0, 1, 1]))[1] == 1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A real ONNX model with a manifest, untrained."""
    pytest.importorskip("onnxruntime")
    from lanescope.export import export_onnx, sha256
    from lanescope.network import Chr, NetworkConfig

    file = tmp_path_factory.mktemp("model") / "tiny.onnx"
    outputs = export_onnx(Chr(NetworkConfig()), file, S)
    manifest = {
        "sha256": sha256(file),
        "input": {"size": S, "mean": [0.5] * 3, "std": [0.5] * 3},
        "outputs": {"logits": outputs[0], "cams": outputs[1:]},
    }
    file.with_suffix(".json").write_text(json.dumps({**manifest, "classes": list(CLASSES)}))
    return file


def test_each_image_is_scored_once_per_model(tiny, tmp_path):
    squares = scans(5).squares
    first = Model(tiny, cache=tmp_path)
    one = first.score(np.concatenate([squares, squares[:2]]), batch=2)
    assert first.scored == 5 and (one.logits[:2] == one.logits[5:]).all() and one.logits.shape == (7, 3, 5)
    again = Model(tiny, cache=tmp_path)
    two = again.score(squares)
    assert again.scored == 0 and (two.logits == one.logits[:5]).all() and (two.peaks_over_scales == one.peaks_over_scales[:5]).all()


def test_scores_do_not_depend_on_the_batch(tiny):
    squares = scans(5).squares
    a, b = (Model(tiny, cache=None).score(squares, batch=n) for n in (1, 5))
    assert np.abs(a.logits - b.logits).max() < 1e-4


def test_peaks_are_those_of_metrics(tiny):
    from lanescope.measure.pointing import peak_over_scales, resize_map
    from lanescope.scoring import peaks

    cams = [rng.normal(size=(5, side, side)).astype(np.float32) for side in (8, 4, 2)]
    fused, over = peaks(cams, S)
    for c in range(5):
        assert over[c] == pytest.approx(peak_over_scales([m[c] for m in cams], S), abs=1e-6)
        mean = np.mean([resize_map(m[c], 8, 8) for m in cams], axis=0)
        y, x = divmod(int(mean.argmax()), 8)
        assert fused[c] == pytest.approx(((x + 0.5) / 8, (y + 0.5) / 8))


def test_a_model_that_is_not_its_manifests_is_refused(tiny, tmp_path):
    file = tmp_path / "tiny.onnx"
    file.write_bytes(tiny.read_bytes() + b"\0")
    file.with_suffix(".json").write_text(tiny.with_suffix(".json").read_text())
    with pytest.raises(ValueError, match="SHA-256"):
        Model(file, cache=None)


DATA = Path(os.environ.get("LANESCOPE_DATA", "/work/shared/data"))


@pytest.mark.skipif(not (DATA / "sixray/JPEGImage").is_dir(), reason="the real scans are not on this machine")
def test_traced_outlines_land_on_something_dark():
    """The outlines, mapped through crop and padding, lie on denser matter than their bags' average; and no training bag is among them."""
    from lanescope.staged_evaluation import staged_sample

    scans, sample = staged_sample(DATA, 160)
    assert len(scans) > 80 and {s.group for s in scans} == {"rucksack", "railed-case"}
    darker = []
    for scan in scans:
        inside = scan.region(("gun", "knife"))
        darker.append(scan.pixels[inside].mean() < scan.pixels[scan.pixels.min(axis=2) < 250].mean())
    assert np.mean(darker) > 0.95
    assert sum(name == "gun" for boxes in sample.boxes for name, _ in boxes) > 100
