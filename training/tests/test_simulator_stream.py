"""Streams of simulated scans: labels, boxes and masks agree, twins are exact, seeds decide everything, the layout round-trips."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lanescope.__main__ import main
from lanescope.patch import CLASSES, DISTRACTOR
from lanescope.simulator import layout, patches, sprites, stream
from lanescope.sixray import read_boxes, read_list

SIZE = 160


@pytest.fixture(scope="module")
def shelf() -> sprites.Library:
    return sprites.library(stream.SMALLEST_BAG_MM / SIZE, seed=5, detail=0.05)


def test_a_scan_without_its_threat_is_its_exact_twin(shelf: sprites.Library) -> None:
    seen = 0
    for index, label in enumerate(CLASSES):
        scan = stream.simulate(3, index, [label], SIZE, shelf, twin=True)
        clean = stream.simulate(3, index, [], SIZE, shelf)
        assert scan.twin is not None
        assert np.array_equal(scan.twin, clean.image)
        assert not clean.positive and not clean.mask.any() and clean.boxes == []
        if not scan.positive:
            continue
        seen += 1
        # Blur and colour smoothing carry the threat's edge a few pixels outwards; beyond, not a bit differs.
        near = cv2.dilate((scan.mask > 0).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
        assert np.array_equal(scan.image[~near], scan.twin[~near])
        inside = scan.mask > 0
        assert scan.image[inside].mean() < scan.twin[inside].mean() - 2  # things only ever take light away
    assert seen >= 4


def test_labels_boxes_and_masks_agree(shelf: sprites.Library) -> None:
    positives = 0
    for scan in (stream.simulate(4, i, stream.draw_threats(4, i, 1.0, np.ones(5), 0.5), SIZE, shelf) for i in range(16)):
        assert {label for label, *_ in scan.boxes} == {label for label, present in scan.labels.items() if present}
        assert max(scan.image.shape[:2]) == pytest.approx(SIZE, abs=1)
        for value in np.unique(scan.mask[scan.mask > 0]):
            rows, columns = np.nonzero(scan.mask == value)
            name = CLASSES[value - 1]
            boxes = [box[1:] for box in scan.boxes if box[0] == name]
            assert boxes
            covered = np.zeros(scan.mask.shape, bool)
            for x0, y0, x1, y1 in boxes:
                covered[y0:y1, x0:x1] = True
            assert covered[rows, columns].all()
        if len(scan.boxes) == 1:
            _, x0, y0, x1, y1 = scan.boxes[0]
            rows, columns = np.nonzero(scan.mask)
            assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x0, y0, x1, y1)
        positives += scan.positive
    assert positives >= 14


def test_a_seed_decides_everything(shelf: sprites.Library) -> None:
    a, b = (stream.simulate(7, 2, ["gun"], SIZE, shelf) for _ in range(2))
    assert np.array_equal(a.image, b.image) and a.boxes == b.boxes
    assert not np.array_equal(a.image, stream.simulate(7, 3, ["gun"], SIZE, shelf).image)
    again = sprites.library.__wrapped__(shelf.pitch, 5, 0.05)
    assert np.array_equal(a.image, stream.simulate(7, 2, ["gun"], SIZE, again).image)


def test_a_library_comes_back_from_its_cache(tmp_path: Path) -> None:
    build = sprites.library.__wrapped__
    made, read = (build(5.0, 1, 0.02, tmp_path) for _ in range(2))
    assert made.sprites.keys() == read.sprites.keys()
    for kind, shelf_ in made.sprites.items():
        for x, y in zip(shelf_, read.sprites[kind], strict=True):
            assert (x.label, x.source) == (y.label, y.source) and np.array_equal(x.attenuation, y.attenuation)


def test_prevalence_is_kept() -> None:
    drawn = [bool(stream.draw_threats(0, i, 0.02, np.ones(5))) for i in range(20000)]
    assert 0.017 < np.mean(drawn) < 0.023
    assert not any(stream.draw_threats(0, i, 0.0, np.ones(5)) for i in range(200))
    with pytest.raises(ValueError, match="probability"):
        next(stream.stream(prevalence=1.5))
    with pytest.raises(ValueError, match="no such class"):
        stream.simulate(0, 0, ["hammer"], SIZE)


def test_a_stream_can_be_split_among_workers(shelf: sprites.Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "objects", lambda *_, **__: shelf)
    whole = list(stream.stream(11, 0.5, SIZE, 6))
    odd = list(stream.stream(11, 0.5, SIZE, 3, start=1, step=2))
    assert [s.index for s in odd] == [1, 3, 5]
    assert all(np.array_equal(whole[s.index].image, s.image) for s in odd)


def test_layout_reads_back_as_sixray(shelf: sprites.Library, tmp_path: Path) -> None:
    scans = [stream.simulate(8, i, [CLASSES[i % 5]] if i % 2 else [], SIZE, shelf) for i in range(20)]
    counts = layout.write(scans, tmp_path / "set", masks=True)
    lists = [read_list(tmp_path / "set" / "ImageSet" / f"{part}.csv") for part in ("train", "test")]
    labels = {str(name): row for part in lists for name, row in zip(part.names, part.labels, strict=True)}
    assert len(labels) == counts["scans"] == 20 == len(list((tmp_path / "set" / "JPEGImage").iterdir()))
    assert len(lists[1]) == 4 and {name[0] for name in map(str, lists[1].names)} == {"P", "N"}
    number = 0
    for scan in scans:
        if not scan.positive:
            continue
        number += 1
        name = f"P{number:05d}"
        assert [int(v > 0) for v in labels[name]] == list(scan.labels.values())
        boxes, size = read_boxes(tmp_path / "set" / "Annotation" / f"{name}.xml")
        assert size == scan.image.shape[1::-1]
        assert [(box.label, box.xmin - 1, box.ymin - 1, box.xmax, box.ymax) for box in boxes] == scan.boxes
        assert np.array_equal(cv2.imread(str(tmp_path / "set" / "Mask" / f"{name}.png"), cv2.IMREAD_UNCHANGED), scan.mask)
        written = cv2.imread(str(tmp_path / "set" / "JPEGImage" / f"{name}.jpg"))[..., ::-1].astype(int)
        assert np.abs(written - scan.image).mean() < 6
    with pytest.raises(FileExistsError):
        layout.write(scans, tmp_path / "set")


def test_simulate_command_refuses_nonsense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--count", "0", "--out", str(tmp_path / "x")]) == 64
    assert main(["simulate", "--count", "5", "--prevalence", "2", "--out", str(tmp_path / "x")]) == 64
    assert "prevalence" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("label", [*CLASSES, DISTRACTOR])
def test_patches_are_ready_to_project(label: str) -> None:
    one, same = (patches.render_patch(label, np.random.default_rng(3), 96) for _ in range(2))
    assert np.array_equal(one.transmission, same.transmission)
    assert one.transmission.dtype == np.float32 and 0 < one.transmission.min() and one.transmission.max() <= 1
    assert one.mask.shape == one.transmission.shape[:2] and max(one.mask.shape) == pytest.approx(96, abs=4)
    far = cv2.dilate(one.mask.astype(np.uint8), np.ones((13, 13), np.uint8)) == 0
    assert (one.transmission[far] == 1).all()
    assert one.transmission[one.mask].mean() < 0.95
    assert one.label == label and one.mm_per_px > 0
    with pytest.raises(ValueError, match="no such label"):
        patches.render_patch("hammer", np.random.default_rng(0))


def test_patch_library_round_trips(tmp_path: Path) -> None:
    made = patches.library(1, 1, seed=2, longest_px=64)
    patches.save(tmp_path / "p.npz", made)
    for a, b in zip(made, patches.load(tmp_path / "p.npz"), strict=True):
        assert (a.label, a.source) == (b.label, b.source) and np.array_equal(a.mask, b.mask)
        assert np.abs(a.transmission - b.transmission).max() < 1 / 255


def test_simulate_command_writes_what_was_asked(shelf: sprites.Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "objects", lambda *_, **__: shelf)
    out = tmp_path / "set"
    assert main(["simulate", "--count", "10", "--positives", "3", "--size", str(SIZE), "--seed", "2", "--masks", "--out", str(out)]) == 0
    names = sorted(path.stem for path in (out / "JPEGImage").iterdir())
    assert names == [*(f"N{i:05d}" for i in range(1, 8)), *(f"P{i:05d}" for i in range(1, 4))]
    assert (
        sorted(path.stem for path in (out / "Annotation").iterdir()) == names[7:] == sorted(path.stem for path in (out / "Mask").iterdir())
    )
    # A second run must not mix its scans with the first's.
    assert main(["simulate", "--count", "10", "--size", str(SIZE), "--out", str(out)]) == 64
    assert len(list((out / "JPEGImage").iterdir())) == 10
