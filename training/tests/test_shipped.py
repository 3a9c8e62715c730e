"""What is shipped: goldens that fit the model, scores that fit the manifest."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic import clean_bag

from lanescope.held_out import Row, same_bag_groups, write_scores
from lanescope.patch import CLASSES
from lanescope.preprocess import decode, prepare

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDENS = REPOSITORY / "test" / "fixtures" / "parity" / "goldens.json"
MODELS = sorted((REPOSITORY / "resources" / "models").glob("*.json"))


def test_goldens_are_what_preprocessing_gives() -> None:
    goldens = json.loads(GOLDENS.read_text())
    assert goldens["preprocessing"] == "bag-2" and len(goldens["scans"]) >= 10
    for row in goldens["scans"]:
        prepared = prepare(decode(GOLDENS.parent / row["file"]), goldens["size"])
        assert [list(bag) for bag in prepared[0].located.bags] == row["bags"], row["file"]
        assert [(list(p.look.box), p.look.bag) for p in prepared] == [(look["box"], look["bag"]) for look in row["looks"]], row["file"]
        for one, look in zip(prepared, row["looks"], strict=True):
            square = np.asarray(Image.open(GOLDENS.parent / look["square"]).convert("RGB")).astype(int)
            # JPEG decoders may differ in the last bit from one machine to the next.
            assert np.abs(square - one.pixels).mean() < 0.5, row["file"]
        for name in CLASSES:  # a class's score is that of its best look
            best = max(row["looks"], key=lambda look: look["classes"][name]["fused"])
            assert row["classes"][name]["fused"] == best["classes"][name]["fused"]
            assert row["classes"][name]["peak"] == best["classes"][name]["peak"]


def test_goldens_are_of_the_shipped_model() -> None:
    goldens = json.loads(GOLDENS.read_text())
    model = (REPOSITORY / "resources" / "models" / goldens["model"]).read_bytes()
    assert hashlib.sha256(model).hexdigest() == goldens["sha256"], "run `python -m lanescope goldens`"


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_a_manifest_vouches_for_its_files(file: Path) -> None:
    manifest = json.loads(file.read_text())
    onnx = (file.parent / manifest["file"]).read_bytes()
    assert hashlib.sha256(onnx).hexdigest() == manifest["sha256"] and len(onnx) == manifest["bytes"] < 50e6
    scores = file.parent / manifest["scores"]["file"]
    assert hashlib.sha256(scores.read_bytes()).hexdigest() == manifest["scores"]["sha256"]
    with scores.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for name in CLASSES:
        counted = manifest["calibration"]["classes"][name]
        assert counted["positives"] == sum(r[name] == "1" for r in rows) >= 30
        assert counted["negatives"] == sum(r[name] == "0" for r in rows)
        assert (
            manifest["thresholds"][name]["advisory"] <= manifest["thresholds"][name]["alarm"] <= manifest["presets"]["quiet"][name]["alarm"]
        )
    free = [r for r in rows if all(r[name] == "0" for name in CLASSES)]
    assert {r["source"] for r in free} <= {"benign", "frame"}, "a promise rests on real benign bags alone"
    fired = sum(any(float(r[f"z_{name}"]) > manifest["thresholds"][name]["alarm"] for name in CLASSES) for r in free)
    assert len(free) >= 150 and fired / len(free) <= 0.0101  # as the manifest's calibration sample says


def test_the_scores_file_reads_back(tmp_path: Path) -> None:
    rows = [Row("benign", "b1", (0, 0, 0, 0, 0), (0.1, -1.25, 3.0, 4.0, 5.00004)), Row("sixray", "p1", (1, -1, 0, 0, 0), (9, 8, 7, 6, 5))]
    write_scores(tmp_path / "s.csv", rows)
    with (tmp_path / "s.csv").open(newline="") as handle:
        read = list(csv.DictReader(handle))
    assert [int(read[1][name]) for name in CLASSES] == [1, -1, 0, 0, 0]
    assert float(read[0]["z_knife"]) == -1.25 and float(read[0]["z_scissors"]) == pytest.approx(5, abs=1e-4)


def test_views_of_one_bag_are_one_group_but_only_within_a_run() -> None:
    first, second = clean_bag(1, False).pixels, clean_bag(2, False).pixels
    assert same_bag_groups([first, second, first], ["r", "r", "r"], ["a", "b", "c"]) == ["a", "b", "a"]
    assert same_bag_groups([first, second, first], ["r", "r", "other"], ["a", "b", "c"]) == ["a", "b", "c"]
