"""Real bags: what each source's truth becomes, bag by bag; samples with the threat or something else smoothed away."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lanescope.data import bags, splits
from lanescope.data.bag_samples import bag_pair, bag_sample, smoothed_elsewhere
from lanescope.data.bags import Annotated, RealBag, annotated_scans, cut_into_bags
from lanescope.goldens import draw_bag, draw_frame
from lanescope.loss import mask_targets
from lanescope.patch import CLASSES

GUN, KNIFE, WRENCH, PLIERS, SCISSORS = range(5)


def tree(root: Path) -> Path:
    """A shared folder with one scan a source; SIXray's boxed scan has a box that its label denies and one that leaves the scan."""
    for folder in ("sixray/JPEGImage", "sixray/ImageSet", "sixray/Annotation", "iflytek/images", "sixray_benign"):
        (root / folder).mkdir(parents=True)
    for number, name in enumerate(("sixray/JPEGImage/P00901.jpg", "iflytek/images/100001.jpg", "sixray/JPEGImage/N00001.jpg")):
        Image.fromarray(draw_bag(400, 300, (255, 255, 255), number)).save(root / name)
    Image.fromarray(draw_frame()).save(root / "sixray_benign" / "B0300.jpg")
    for part, row in (("train", "P00901,1,-1,0,-1,-1"), ("test", "P00902,-1,1,-1,-1,-1")):
        (root / "sixray" / "ImageSet" / f"SIXray10_{part}.csv").write_text(f"name,Gun,Knife,Wrench,Pliers,Scissors\n{row}\n")
    box = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>60</ymin><xmax>{}</xmax><ymax>120</ymax></bndbox></object>"
    (root / "sixray" / "Annotation" / "P00901.xml").write_text(
        "<annotation><size><width>400</width><height>300</height></size>"
        + box.format("Gun", 330, 430) + box.format("Knife", 60, 90) + "</annotation>"
    )  # fmt: skip
    (root / "iflytek" / "labels.csv").write_text(
        "file,class,xmin,ymin,xmax,ymax,width,height\n100001.jpg,knife,100,80,160,130,400,300\n100001.jpg,lighter,10,10,20,20,400,300\n"
    )
    (root / "sixray_benign" / "files.csv").write_text("file,kind,width,height\nB0300.jpg,frame,1400,600\n")
    return root


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: ("train", f"group-{name}") for name in ("P00901", "iflytek-100001", "N00001", "B0300")}
    monkeypatch.setattr(bags, "listed_splits", lambda: known)


@pytest.mark.usefixtures("listed")
def test_each_source_keeps_its_truth_and_what_disagrees_is_counted(tmp_path: Path) -> None:
    problems: Counter[str] = Counter()
    scans = {scan.source: scan for scan in annotated_scans(tree(tmp_path), problems)}
    gun = scans["sixray"]
    assert gun.labels == (1, 0, -1, 0, 0), "difficult is unknown"
    assert gun.boxes == (("gun", (330, 60, 400, 120)),)
    assert not gun.complete[GUN] and gun.complete[KNIFE], "one gun is boxed, others may be there"
    knife = scans["iflytek"]
    assert knife.labels == (-1, 1, -1, -1, 0) and knife.complete == (False, True, False, False, True)
    assert scans["frame"].labels == scans["benign"].labels == (0, 0, 0, 0, 0)
    assert problems["sixray: box beyond its scan: clipped"] == 1
    assert problems["sixray: box of a class that the label denies (knife): box left out"] == 1
    assert problems["iflytek: box of another class (lighter): not used"] == 1


def test_missing_sources_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    problems: Counter[str] = Counter()
    assert annotated_scans(tmp_path, problems) == []
    assert {"source missing: sixray", "source missing: iflytek", "source missing: sixray_benign"} <= set(problems)


def frame(
    labels: tuple[int, ...], complete: tuple[bool, ...], boxes: tuple[tuple[str, tuple[float, ...]], ...], tmp_path: Path
) -> Annotated:
    Image.fromarray(draw_frame()).save(tmp_path / "f.png")
    return Annotated(tmp_path / "f.png", "sixray", "g", "train", labels, complete, boxes)  # type: ignore[arg-type]


def test_a_class_named_for_a_frame_lies_in_the_bag_that_holds_its_box(tmp_path: Path) -> None:
    second = ("gun", (500.0, 120.0, 600.0, 200.0))
    (cut,) = cut_into_bags(frame((1, 0, 0, 0, 0), (False, True, True, True, True), (second,), tmp_path), (200,))
    assert [bag.labels[GUN] for bag in cut] == [-1, 1, -1, -1] and all(bag.labels[KNIFE] == 0 for bag in cut)
    (complete,) = cut_into_bags(frame((1, 0, 0, 0, 0), (True,) * 5, (second,), tmp_path), (200,))
    assert [bag.labels[GUN] for bag in complete] == [0, 1, 0, 0]
    (unboxed,) = cut_into_bags(frame((1, 0, 0, 0, 0), (False,) * 5, (), tmp_path), (200,))
    assert [bag.labels[GUN] for bag in unboxed] == [-1] * 4, "in one of them, and nobody said in which"


def real_bag(complete: bool) -> RealBag:
    pixels = np.full((150, 200, 3), 230, np.uint8)
    pixels[60:90, 80:130] = (20, 60, 160)
    labels = np.array([1, 0, -1, 0, 0], np.int8)
    return RealBag(pixels, [("gun", (80, 60, 130, 90))], labels, np.array([complete, True, False, True, True]), "sixray", "g", "n")


def test_outside_the_box_a_class_is_unknown_where_boxes_are_not_complete() -> None:
    rng = np.random.default_rng(0)
    one = bag_sample(real_bag(False), real_bag(False).pixels, None, 64, rng, gentle=True)
    plane = one.masks[GUN].astype(float)
    assert plane.max() > 0.9 and (plane == -1).mean() > 0.7 and one.labels.tolist() == [1, 0, -1, 0, 0]
    whole = bag_sample(real_bag(True), real_bag(True).pixels, None, 64, rng, gentle=True)
    assert whole.masks[GUN].min() == 0
    assert (one.masks[WRENCH] == -1).all() and (one.masks[KNIFE] == 0).all()


def test_with_its_threat_erased_the_box_is_known_to_be_free() -> None:
    import torch

    rng = np.random.default_rng(0)
    here, gone = bag_pair([real_bag(False)], "gun", 64, rng)
    assert (here.labels[GUN], gone.labels[GUN]) == (1, 0)
    assert gone.masks[GUN].max() == 0 and (gone.masks[GUN] == 0).any() and (gone.masks[GUN] == -1).any()
    target = mask_targets(torch.from_numpy(gone.masks.astype(np.float32))[None], (8, 8))
    assert (target[0, GUN] <= 0).all()


def test_what_is_smoothed_away_elsewhere_leaves_the_threat_alone() -> None:
    bag = real_bag(False)
    edited = smoothed_elsewhere(bag, "gun", np.random.default_rng(1))
    assert (edited[60:90, 80:130] == bag.pixels[60:90, 80:130]).all()


def test_every_listed_scan_is_in_one_split_and_no_group_in_two() -> None:
    with splits.LISTED.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len({row["name"] for row in rows}) == len(rows) > 1500
    of_group: dict[str, set[str]] = {}
    for row in rows:
        of_group.setdefault(row["group"], set()).add(row["split"])
    assert all(len(found) == 1 for found in of_group.values())
    assert all(
        (row["split"] == "test") == (row["name"][8] == "4") for row in rows if row["name"].startswith("iflytek-") and row["name"][8] == "4"
    )
    assert CLASSES[PLIERS] == "pliers"
