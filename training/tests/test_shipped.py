"""What is shipped: goldens that fit the model, scores that fit the manifest."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from synthetic import bank, clean_bag

from lanescope.held_out import held_out_samples, same_bag_groups, write_scores
from lanescope.patch import CLASSES
from lanescope.preprocess import decode, prepare
from lanescope.validate import Scored

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDENS = REPOSITORY / "test" / "fixtures" / "parity" / "goldens.json"
MODELS = sorted((REPOSITORY / "resources" / "models").glob("*.json"))


def test_goldens_are_what_preprocessing_gives() -> None:
    goldens = json.loads(GOLDENS.read_text())
    assert len(goldens["scans"]) >= 6
    for row in goldens["scans"]:
        prepared = prepare(decode(GOLDENS.parent / row["file"]), goldens["size"])
        assert list(prepared.located.box) == row["box"], row["file"]
        square = np.asarray(Image.open(GOLDENS.parent / row["square"]).convert("RGB")).astype(int)
        # JPEG decoders may differ in the last bit from one machine to the next.
        assert np.abs(square - prepared.pixels).mean() < 0.5, row["file"]


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
    assert len(rows) >= 2000
    projected = [r for r in rows if r["source"] in ("composite", "twin")]
    for name in CLASSES:
        counted = manifest["calibration"]["classes"][name]
        assert counted["positives"] == sum(r[name] == "1" for r in projected)
        assert manifest["thresholds"][name]["advisory"] <= manifest["thresholds"][name]["alarm"]
    free = [r for r in rows if all(r[name] == "0" for name in CLASSES)]
    fired = sum(any(float(r[f"z_{name}"]) > manifest["thresholds"][name]["alarm"] for name in CLASSES) for r in free)
    assert fired / len(free) <= 0.0101  # as the manifest's calibration sample says


def test_held_out_scores_keep_bags_together(tmp_path: Path) -> None:
    samples = held_out_samples(bank(), 64, 2)
    assert {s.source for s in samples} == {"composite", "twin", "benign", "opixray", "opixray-erased"}
    by_bag = {s.group for s in samples if s.source == "twin"}
    assert {s.group for s in samples} == by_bag
    scored = Scored(np.random.default_rng(0).normal(size=(len(samples), 5)), np.zeros((0,)), np.zeros((0,)))
    write_scores(tmp_path / "s.csv", samples, scored)
    with (tmp_path / "s.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(samples)
    assert [int(rows[0][name]) for name in CLASSES] == samples[0].labels.tolist()
    assert float(rows[3]["z_pliers"]) == pytest.approx(scored.fused[3, 3], abs=1e-4)


def test_views_of_one_bag_are_one_group() -> None:
    first, second = clean_bag(1, False), clean_bag(2, False)
    again = clean_bag(1, False)
    again.name = "again"
    assert same_bag_groups([first, again, second]) == ["s1", "s1", "s2"]
