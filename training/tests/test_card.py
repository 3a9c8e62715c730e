"""The model card says what the manifest holds, the bad news too."""
# ruff: noqa: E501 (table rows as they are printed)

import argparse
import json

from lanescope.__main__ import main
from lanescope.card import model_card


def manifest(**more):
    return {
        "name": "chr-test", "version": "1", "file": "chr-test.onnx", "sha256": "ab" * 32, "bytes": 9_960_000, "precision": "fp32",
        "backbone": "mobilenet_v2", "variant": "CHR", "levels": 3, "input": {"size": 320, "preprocessing": "bag-2"},
        "classes": ["gun", "knife", "wrench", "pliers", "scissors"], "calibration": {"method": "platt", "sample": "5 composites"},
        "provenance": {"licence": "academic use only", "data": ["SIXray: 9 scans"], "minutes": 51, "steps": 1200, "scans": 38400, "seed": 0},
        "figures": [
            {"what": "validation AUC", "value": 0.8, "interval": [0.7, 0.9], "n": "9", "chance": 0.5},
            {"key": "twins.recall", "what": "recall at 1 %", "value": 0.21, "interval": [0.1, 0.3], "n": "500 / 500", "chance": 0.01, "trial": "0.075"},
            {"key": "twins.size.small", "what": "small", "value": 0.61, "interval": [0.5, 0.7], "n": "9 / 9", "chance": 0.5},
            {"key": "opixray.erased.knife", "what": "knife erased against a random box erased, AUC", "value": 0.55, "interval": [0.5, 0.6]},
            {"key": "sixray.benign", "what": "positives against benign", "value": 0.9, "interval": [0.8, 1.0], "note": "compares image sources",
             "cue": {"name": "aspect", "auc": 0.981}},
        ],
        **more,
    }  # fmt: skip


def test_card_states_licence_figures_and_limits():
    card = model_card(manifest())
    assert "**academic use only**" in card and "not certified equipment" in card and "51 minutes" in card and "38,400 scans" in card
    assert "| recall at 1 % | 0.210 [0.100, 0.300] | 500 / 500 | 0.01 | 0.075 |  |" in card
    assert "positives against benign (compares image sources)" in card and "aspect 0.981" in card
    assert "finds 21 of 100" in card and "most threats go unseen" in card and "Small threats (the lowest third): AUC 0.61" in card
    assert "close to guessing for: knife erased 0.55" in card
    assert card.count("validation AUC") == 1  # every figure once


def test_a_model_without_figures_says_so():
    assert "None measured." in model_card(manifest(figures=[]))


def test_command_writes_and_checks(tmp_path, capsys):
    file = tmp_path / "chr-test.json"
    file.write_text(json.dumps(manifest()))
    assert main(["model-card", str(file), "--check"]) == 1
    assert main(["model-card", str(file)]) == 0 and main(["model-card", str(file), "--check"]) == 0
    file.write_text(json.dumps(manifest(version="2")))
    assert main(["model-card", str(file), "--check"]) == 1
    assert "is not what chr-test.json says" in capsys.readouterr().err


def test_models_side_by_side_show_what_all_of_them_have(tmp_path):
    from lanescope.commands.compare_real import run

    def figures(value: float, *keys: str) -> str:
        entries = [{"key": k, "what": f"AUC of {k}", "value": value, "interval": [value - 0.1, value + 0.1], "n": "4/9"} for k in keys]
        return json.dumps({"figures": entries})

    (tmp_path / "a.json").write_text(figures(0.5, "both", "only-a"))
    (tmp_path / "b.json").write_text(figures(0.75, "both"))
    report = tmp_path / "R.md"
    columns = [f"CHR={tmp_path / 'a.json'}", f"base={tmp_path / 'b.json'}"]
    assert run(argparse.Namespace(columns=columns, head="Shared start.", report=report, section="comparison")) == 0
    text = report.read_text()
    assert "Shared start." in text and "| what | CHR | base | n |" in text and "only-a" not in text
    assert "| AUC of both | 0.500 [0.400, 0.600] | 0.750 [0.650, 0.850] | 9 |" in text


def test_the_card_says_what_the_run_drew_from(tmp_path):
    from lanescope.commands.export import _staged_and_meshes

    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"event": "start", "bank": {"benign": 3}}) + "\n")
    assert _staged_and_meshes(tmp_path) == []
    log.write_text(
        log.read_text() + json.dumps({"event": "resume", "bank": {"staged": 12}}) + "\n" + json.dumps({"event": "patches"}) + "\n"
    )
    staged, meshes = _staged_and_meshes(tmp_path)
    assert "12 staged scans" in staged and "CC BY" in meshes
