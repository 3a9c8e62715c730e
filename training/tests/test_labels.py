"""Lists and annotations as programs really write them: read right or refused, alike in both languages (test/unit/cli/labels.test.ts)."""

import json
from pathlib import Path

import pytest

from lanescope.labels import Annotation, Box, LayoutError, parse_annotation, place, read_annotation, read_rows
from lanescope.patch import CLASSES

FIXTURES = Path(__file__).resolve().parents[2] / "test/fixtures/labels"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))


def test_every_case_is_there():
    assert {f.stem for f in (FIXTURES / "annotations").iterdir()} == set(EXPECTED["annotations"])
    assert {f.stem for f in (FIXTURES / "lists").iterdir()} == set(EXPECTED["lists"])


@pytest.mark.parametrize("name", EXPECTED["annotations"])
def test_annotation(name):
    expected, file = EXPECTED["annotations"][name], FIXTURES / "annotations" / f"{name}.xml"
    if expected == "refused":
        with pytest.raises(LayoutError, match=f"{name}.xml: "):
            read_annotation(file)
        return
    found = read_annotation(file)
    boxes = {c: [list(b.edges) for b in found.boxes if b.label == c] for c in CLASSES}
    assert {c: own for c, own in boxes.items() if own} == expected["boxes"]
    assert (None if found.size is None else list(found.size)) == expected["size"]
    assert (dict(found.others), len(found.bad)) == (expected["others"], expected["bad"])


@pytest.mark.parametrize("name", EXPECTED["lists"])
def test_list(name):
    expected, file = EXPECTED["lists"][name], FIXTURES / "lists" / f"{name}.csv"
    if expected == "refused":
        with pytest.raises(LayoutError, match=f"{name}.csv"):
            read_rows(file)
        return
    rows = read_rows(file)
    assert {row.name: list(row.labels) for row in rows} == expected
    assert [row.group for row in rows] == [row.name for row in rows]


@pytest.mark.parametrize("case", EXPECTED["placed"], ids=lambda c: c["why"])
def test_box_on_the_scan_as_it_is_shown(case):
    size = None if case["size"] is None else tuple(case["size"])
    annotation = Annotation(size, [Box("gun", *case["box"])])
    if case["placed"] == "refused":
        with pytest.raises(LayoutError):
            place(annotation, tuple(case["shown"]), case["orientation"])
        return
    boxes, bad = place(annotation, tuple(case["shown"]), case["orientation"])
    assert [list(b.edges) for b in boxes] == ([] if case["placed"] is None else [pytest.approx(case["placed"], abs=1e-12)])
    assert len(bad) == (case["placed"] is None)


def test_a_bad_box_says_which_and_why():
    edges = "<xmin>4</xmin><ymin>0</ymin><xmax>4</xmax><ymax>9</ymax>"
    found = parse_annotation(f"<annotation><object><name>Gun</name><bndbox>{edges}</bndbox></object></annotation>".encode())
    assert found.bad == ["gun: no area (4, 0, 4, 9)"]
