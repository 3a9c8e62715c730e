"""Simulated SIXray on disk: parts hold what they promise, continue after a stop, and never mix two simulators."""

import numpy as np
import pytest

from lanescope import simulated_sixray
from lanescope.patch import CLASSES
from lanescope.simulated_sixray import fill_part, open_part

SIZE = 64


class FakeScan:
    """What the simulator yields, in miniature: this test is of the storage."""

    def __init__(self, index: int, threat: bool) -> None:
        self.image = np.full((40, SIZE, 3), index % 250, np.uint8)
        self.labels = {c: int(threat and k == index % 5) for k, c in enumerate(CLASSES)}
        self.boxes = [(CLASSES[index % 5], 10, 10, 20, 20)] if threat else []
        self.mask = np.zeros((40, SIZE), np.uint8)
        if threat:
            self.mask[10:20, 10:20] = 1 + index % 5
        self.positive = threat


def fake_stream(seed, prevalence, size, *, library_seed, cache, start):
    index = start
    while True:
        # every seventh bag is too full for its threat
        yield FakeScan(index, bool(prevalence) and index % 7 != 0)
        index += 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    stream = pytest.importorskip("lanescope.simulator.stream")
    monkeypatch.setattr(stream, "stream", fake_stream)
    monkeypatch.setattr(simulated_sixray, "CHUNK", 4)
    return tmp_path / "data"


def quiet(_):
    pass


def test_positives_hold_a_threat_with_mask_and_box_in_place(folder):
    fill_part(folder, "train-positive", 10, SIZE, quiet)
    part = open_part(folder, "train-positive", SIZE)
    assert len(part) == 10 and (part.labels.sum(axis=1) == 1).all() and len(part.boxes) == 10
    label, x0, y0, x1, y1 = part.boxes[0][0]
    assert (x0, y0, x1, y1) == pytest.approx((10 / 64, 22 / 64, 20 / 64, 32 / 64), abs=1e-4)  # 12 rows of padding above
    cells = np.argwhere(part.masks[0])
    assert cells.min(axis=0).tolist() == [5, 2] and cells.max(axis=0).tolist() == [7, 4]
    assert (part.scans[0, :12] == 255).all() and (part.masks[0].max() - 1) == CLASSES.index(label)


def test_negatives_hold_none(folder):
    fill_part(folder, "train-negative", 6, SIZE, quiet)
    part = open_part(folder, "train-negative", SIZE)
    assert len(part) == 6 and not part.labels.any() and not part.boxes


def test_a_stopped_part_continues_as_if_it_had_not(folder, tmp_path, monkeypatch):
    fill_part(folder, "train-positive", 11, SIZE, quiet)
    whole = open_part(folder, "train-positive", SIZE)
    other, writes = tmp_path / "stopped", 0
    real = simulated_sixray._append

    def failing(*args):
        nonlocal writes
        writes += 1
        if writes == 4:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(simulated_sixray, "_append", failing)
    with pytest.raises(KeyboardInterrupt):
        fill_part(other, "train-positive", 11, SIZE, quiet)
    assert len(open_part(other, "train-positive", SIZE)) == 4
    monkeypatch.setattr(simulated_sixray, "_append", real)
    fill_part(other, "train-positive", 11, SIZE, quiet)
    again = open_part(other, "train-positive", SIZE)
    assert (again.scans == whole.scans).all() and (again.labels == whole.labels).all() and (again.masks == whole.masks).all()
    assert again.boxes == whole.boxes


def test_another_simulator_is_refused(folder):
    fill_part(folder, "train-positive", 2, SIZE, quiet)
    (folder / "simulator").write_text("another")
    with pytest.raises(ValueError, match="another version of the simulator"):
        fill_part(folder, "train-negative", 2, SIZE, quiet)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing simulated yet"):
        open_part(tmp_path, "train-positive", SIZE)
