"""The published layout: lists, boxes, subsets and splits, on small made-up data sets and on the official lists where they are."""

import os
from pathlib import Path

import numpy as np
import pytest

from lanescope.__main__ import main
from lanescope.sixray import ImageList, LayoutError, SIXray, counts, merge, read_boxes, read_list, split, subset

OFFICIAL = Path(os.environ.get("LANESCOPE_DATA", "/work/shared/data")) / "sixray"
needs_official = pytest.mark.skipif(not (OFFICIAL / "ImageSet").is_dir(), reason="SIXray's official lists are not on this machine")


def pool(positives: int = 200, negatives: int = 30_000) -> ImageList:
    rng = np.random.default_rng(1)
    names = [f"P{i:05d}" for i in range(positives)] + [f"N{i:07d}" for i in range(negatives)]
    labels = np.zeros((len(names), 5), dtype=np.int8)
    labels[np.arange(positives), rng.integers(0, 5, positives)] = 1
    return ImageList(np.array(names), labels)


def layout(root: Path, images: ImageList) -> SIXray:
    (root / "JPEGImage").mkdir(parents=True)
    (root / "Annotation").mkdir()
    images.write(root / "ImageSet" / "SIXray10_train.csv")
    return SIXray(root)


def test_lists_survive_writing_and_reading(tmp_path):
    images = pool(3, 4)
    images.labels[1, 2] = -1
    images.write(tmp_path / "a.csv")
    again = read_list(tmp_path / "a.csv")
    assert again.names.tolist() == images.names.tolist() and (again.labels == images.labels).all()


def test_columns_are_found_by_name(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfname,Scissors,Gun,Hammer,Knife,Wrench,Pliers\r\nP1,1,-1,1,0,-1,-1\r\n\r\n")
    assert read_list(tmp_path / "a.csv").labels.tolist() == [[0, -1, 0, 0, 1]]  # the files write absent as -1 and difficult as 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,Gun,Knife\nP1,1,1\n", "no column wrench, pliers, scissors"),
        ("name,Gun,Knife,Wrench,Pliers,Scissors\nP1,1,2,-1,-1,-1\n", "line 2"),
        ("name,Gun,Knife,Wrench,Pliers,Scissors\nP1,1,1\n", "line 2"),
        ("name,Gun,Knife,Wrench,Pliers,Scissors\n" + "P1,1,1,-1,-1,-1\n" * 2, "P1 is listed twice"),
        ("", "no column"),
    ],
)
def test_a_broken_list_is_named(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(LayoutError, match=words):
        read_list(tmp_path / "a.csv")


def test_opening_a_data_set_looks_at_no_scan(tmp_path, monkeypatch):
    """A million files must not need a million stats: with every look at a scan forbidden, lists and subsets still come."""
    data = layout(tmp_path, pool())

    def guard(real):
        def guarded(path, *args, **kwargs):
            assert "JPEGImage" not in str(path), f"looked at {path}"
            return real(path, *args, **kwargs)

        return guarded

    for name in ("stat", "lstat", "scandir", "listdir", "open"):
        monkeypatch.setattr(os, name, guard(getattr(os, name)))
    everything = data.everything()
    subset(everything, 10)
    assert data.image("P00001") == tmp_path / "JPEGImage/P00001.jpg"
    with pytest.raises(AssertionError, match="looked at"):  # the guard does bite
        data.present()


def test_boxes(tmp_path):
    data = layout(tmp_path, pool(1, 1))
    box = "<object><name>{}</name><bndbox><xmin>10.5</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object>"
    xml = "<annotation><size><width>80</width><height>60</height></size>{}</annotation>"
    file = tmp_path / "Annotation/P00000.xml"
    file.write_text(xml.format(box.format("Knife", 20) + box.format("Hammer", 30)))
    boxes, size = read_boxes(file)
    assert [(b.label, b.edges) for b in boxes] == [("knife", (10.5, 2, 20, 9))] and size == (80, 60)
    assert data.annotated() == ["P00000"] and data.boxes("N0000000") is None
    file.write_text(xml.format(box.format("Knife", 10)))
    with pytest.raises(LayoutError, match="no area"):
        data.boxes("P00000")
    file.write_text("<annotation>")
    with pytest.raises(LayoutError, match="not a VOC annotation"):
        data.boxes("P00000")


def test_merge_refuses_two_opinions():
    a = pool(2, 2)
    assert len(merge([a, a])) == 4
    b = ImageList(a.names, 1 - a.labels)
    with pytest.raises(LayoutError, match="two different labels"):
        merge([a, b])


@pytest.mark.parametrize("ratio", [10, 100])
def test_subsets_hold_the_ratio_and_80_20(ratio):
    cut = subset(pool(), ratio)
    assert counts(cut.train)["positives"] == 160 and counts(cut.test)["positives"] == 40
    assert counts(cut.train)["negatives"] == 160 * ratio and counts(cut.test)["negatives"] == 40 * ratio
    assert cut.ratio == ratio and cut.wanted == 200 * ratio


def test_sixray1000_limits_positives_a_class_and_keeps_every_negative():
    images = pool(9000, 2000)
    cut = subset(images, 1000)
    for part, limit in ((cut.train, 800), (cut.test, 200)):
        row = counts(part)
        assert all(row[c] == limit for c in ("gun", "knife", "wrench", "pliers", "scissors"))
    assert counts(cut.train)["negatives"] + counts(cut.test)["negatives"] == 2000


def test_subsets_are_reproducible_nested_and_never_leak():
    images = pool()
    shuffled = images.take(np.random.default_rng(5).permutation(len(images)))
    ten, same, hundred = subset(images, 10), subset(shuffled, 10), subset(images, 100)
    assert set(ten.train.names) == set(same.train.names) and set(ten.test.names) == set(same.test.names)
    assert set(ten.train.names) < set(hundred.train.names) and set(ten.test.names) < set(hundred.test.names)
    assert not set(hundred.train.names) & set(hundred.test.names)
    assert set(subset(images, 10, seed=1).test.names) != set(ten.test.names)


def test_split_is_stratified():
    train, test = split(pool(50, 500))
    assert (counts(train)["positives"], counts(test)["positives"]) == (40, 10)
    assert (counts(train)["negatives"], counts(test)["negatives"]) == (400, 100)


def test_too_few_negatives_are_told_not_hidden(tmp_path, capsys):
    layout(tmp_path, pool(20, 100))
    assert main(["subsets", str(tmp_path), "--ratios", "10", "--out", str(tmp_path / "out")]) == 0
    assert "only 100 of 200 negatives: 5.0 a positive" in capsys.readouterr().err
    assert len(read_list(tmp_path / "out/SIXray10_test.csv")) == 24


def test_summary_says_what_is_wrong(tmp_path, capsys):
    assert main(["summary", str(tmp_path)]) == 1
    assert "no list" in capsys.readouterr().err


@needs_official
def test_table_1_from_the_official_lists(capsys):
    assert main(["summary", str(OFFICIAL)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("all lists"))
    assert line.split()[2:] == ["3,130", "1,953", "2,204", "3,963", "995", "8,929", "79,443", "88,372"]


@needs_official
def test_official_boxes_agree_with_the_official_labels():
    data = SIXray(OFFICIAL)
    everything = data.everything()
    row = {n: i for i, n in enumerate(everything.names.tolist())}
    names = data.annotated()
    assert len(names) >= 18
    for name in names:
        labels = {c for c, v in zip(("gun", "knife", "wrench", "pliers", "scissors"), everything.labels[row[name]], strict=True) if v == 1}
        assert {b.label for b in data.boxes(name)} == labels, name
