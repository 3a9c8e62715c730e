"""`evaluate` as a command: the app's saved scores give the app's table, and a model run here gives a table at all."""

import json
from pathlib import Path

import numpy as np
import pytest

from lanescope.__main__ import main
from lanescope.patch import CLASSES

FIXTURE = Path(__file__).parents[2] / "test/fixtures/metrics/evaluate"


def test_the_apps_scores_give_the_apps_table(capsys):
    """The fixture's table was printed by `npx lanescope evaluate --json --save-scores`; both must agree to 1e-6, intervals included."""
    app = json.loads((FIXTURE / "table.json").read_text())
    assert main(["evaluate", "--scores", str(FIXTURE / "scores.csv"), "--json"]) == 0
    mine = json.loads(capsys.readouterr().out)
    assert mine["scans"] == app["scans"] > 0 and mine["protocol"] == app["protocol"]
    for table in ("averagePrecision", "pointing"):
        assert mine[table].keys() == app[table].keys() and "mean" in app[table]
        for name, theirs in app[table].items():
            for key, value in theirs.items():
                here = mine[table][name][key]
                assert (here is None) == (value is None) and (value is None or abs(here - value) < 1e-6), (table, name, key)


def test_wrong_use_is_said(tmp_path, capsys):
    assert main(["evaluate"]) == 64
    (tmp_path / "a.csv").write_text("name,gun\nx,1\n")
    assert main(["evaluate", "--scores", str(tmp_path / "a.csv")]) == 1
    assert "save-scores" in capsys.readouterr().err


def test_a_model_on_a_folder(tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    from PIL import Image

    from lanescope.export import export_onnx, sha256
    from lanescope.network import Chr, NetworkConfig

    file = tmp_path / "tiny.onnx"
    outputs = export_onnx(Chr(NetworkConfig("small_cnn")), file, 64)
    manifest = {"sha256": sha256(file), "input": {"size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}, "classes": list(CLASSES)}
    file.with_suffix(".json").write_text(json.dumps({**manifest, "outputs": {"logits": outputs[0], "cams": outputs[1:]}}))
    images, notes = tmp_path / "JPEGImage", tmp_path / "Annotation"
    images.mkdir()
    notes.mkdir()
    rng = np.random.default_rng(0)
    rows = ["name,Gun,Knife,Wrench,Pliers,Scissors"]
    for i in range(8):
        scan = np.full((90, 120, 3), 250, np.uint8)
        scan[20:70, 20:100] = rng.integers(60, 200, (50, 80, 3))
        Image.fromarray(scan).save(images / f"P{i}.jpg")
        rows.append(f"P{i}," + ",".join("1" if c == i % 5 else "-1" for c in range(5)))
        box = "<xmin>1</xmin><ymin>1</ymin><xmax>119</xmax><ymax>89</ymax>"
        size = "<size><width>120</width><height>90</height></size>"
        item = f"<object><name>{CLASSES[i % 5]}</name><bndbox>{box}</bndbox></object>"
        (notes / f"P{i}.xml").write_text(f"<annotation>{size}{item}</annotation>")
    (images / "P8.jpg").write_text("no scan")
    rows += ["P8,1,-1,-1,-1,-1", "P9,1,-1,-1,-1,-1"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    where = ["--model", str(file), "--images", str(images), "--labels", str(tmp_path / "list.csv"), "--annotations", str(notes)]
    assert main(["evaluate", *where, "--json"]) == 2  # P8 is no scan: told, and left out
    found = json.loads(capsys.readouterr().out)
    assert found["scans"] == 8 and [u["name"] for u in found["unscored"]] == ["P8"]
    assert found["pointing"]["mean"]["value"] == found["pointingOverScales"]["mean"]["value"] == 1  # boxes as large as the scan
    assert 0 < found["averagePrecision"]["mean"]["value"] <= 1
    assert main(["evaluate", *where]) == 2  # both ways of pointing are named
    told = capsys.readouterr().out
    assert "the app's peak" in told and "the paper's, 5.3" in told

    # annotations as programs really write them: the same figures; a bad one is told and ends nothing
    plain = (notes / "P0.xml").read_text()
    (notes / "P0.xml").write_bytes(('<?xml version="1.0" encoding="utf-16"?>' + plain).encode("utf-16"))
    (notes / "P1.xml").write_text(plain.replace("gun", "knife").replace("<annotation>", '<annotation verified="yes"><!-- <object/> -->'))
    (notes / "P2.xml").write_text((notes / "P2.xml").read_text().replace("120", "0").replace("90", "0"))
    flat = "<object><name>Gun</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>3</xmax><ymax>9</ymax></bndbox></object>"
    (notes / "P3.xml").write_text((notes / "P3.xml").read_text().replace("<object>", flat + "<object>"))
    assert main(["evaluate", *where, "--json"]) == 2
    again = json.loads(capsys.readouterr().out)
    assert again["pointing"] == found["pointing"] and again["averagePrecision"] == found["averagePrecision"]
    assert again["annotations"]["badBoxes"] == [{"name": "P3", "reason": "gun: no area (3, 3, 3, 9)"}]
    assert (again["annotations"]["read"], again["annotations"]["refused"]) == (8, [])
    (notes / "P4.xml").write_text(plain[:50])
    (images / "P5.png").write_bytes((images / "P5.jpg").read_bytes())
    assert main(["evaluate", *where, "--json"]) == 2
    last = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in last["unscored"]] == ["P5", "P8"] and [one["name"] for one in last["annotations"]["refused"]] == ["P4"]


def test_both_ways_of_pointing_land_where_the_maps_say():
    """The levels disagree: the fused peak follows their mean, the paper's the highest of any; in pixels of the annotation's own size."""
    from lanescope.commands.evaluate import point
    from lanescope.preprocess import prepare
    from lanescope.sixray import Box

    image = np.full((200, 400, 3), 255, np.uint8)
    image[40:160, 80:320] = np.random.default_rng(0).integers(40, 190, (120, 240, 3))
    scan = prepare(image, 64)[0]  # the whole bag; as a long one it has parts as well
    levels = [np.zeros((5, s, s), np.float32) for s in (16, 16)]

    def cell(x: float, y: float) -> tuple[int, int]:
        px, py = scan.from_original(x / 400, y / 200)
        return int(py // 4), int(px // 4)

    low, high = cell(120, 100), cell(280, 100)
    for level in levels:
        level[(0, *low)] = 3.0
    levels[0][(0, *high)] = 5.0  # 2.5 in the mean
    left, right = Box("gun", 40, 30, 95, 70), Box("gun", 110, 30, 160, 70)  # the annotation is of a half-size image
    size = (200, 100)
    assert {k: v[0] for k, v in point(scan, levels, "logits", [left], size).items()} == {"pointing": 1, "pointingOverScales": 0}
    assert {k: v[0] for k, v in point(scan, levels, "logits", [right], size).items()} == {"pointing": 0, "pointingOverScales": 1}
    assert point(scan, levels, "logits", [right], size)["pointing"][1:] == [-1] * 4
