"""The ablation's machinery on tiny data: fair batches, weighted ratios, runs that resume, and a report that says what it found."""

import json

import numpy as np
import pytest

from lanescope import benchmark
from lanescope.benchmark import VARIANTS, Batches, Cell, Plan, Run, cells, mean_ap, mean_pointing
from lanescope.metrics import average_precision
from lanescope.report import replace_section
from lanescope.simulated_sixray import Part

SIZE, P, N = 32, 12, 30
rng = np.random.default_rng(0)


def part(n: int, positive: bool) -> Part:
    scans = rng.integers(150, 255, (n, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.zeros((n, 5), np.int8)
    masks = np.zeros((n if positive else 0, 8, 8), np.uint8)
    boxes = []
    if positive:
        for i in range(n):
            labels[i, i % 5] = 1
            masks[i, 2:4, 2:4] = 1 + i % 5
            scans[i, 8:16, 8:16] = 0
            boxes.append([(benchmark.CLASSES[i % 5], 0.25, 0.25, 0.5, 0.5)])
    return Part(scans, labels, masks, boxes)


def test_batches_keep_the_ratio_and_do_not_depend_on_the_variant():
    batches = Batches(part(P, True), part(N, False), P * 10, 11, seed=3)
    epoch = [batches.take(s) for s in range(12)]
    labels = np.concatenate([e[1] for e in epoch])
    assert len(labels) == 132 and labels.sum() == P
    again = Batches(batches.positive, batches.negative, P * 10, 11, seed=3).take(5)
    assert all((a == b).all() for a, b in zip(again, epoch[5], strict=True))
    # 120 negative places, 30 scans: each comes round four times
    rows = np.concatenate([batches.rows(s) for s in range(12)])
    assert sorted(np.bincount((rows[rows >= P] - P) % N)) == [4] * N


def test_masks_turn_with_their_scans():
    batches = Batches(part(P, True), part(N, False), P, 8, seed=1)
    for step in range(6):
        scans, labels, masks = batches.take(step)
        for scan, label, mask in zip(scans, labels, masks, strict=True):
            assert (mask.any(axis=(1, 2)) == (label > 0)).all()
            if label.any():
                ys, xs = np.nonzero(mask.any(axis=0))
                dark = scan.mean(axis=0)
                assert dark[ys.min() * 4 : ys.max() * 4 + 4, xs.min() * 4 : xs.max() * 4 + 4].mean() < dark.mean() - 0.5
    assert scans.dtype == np.float32 and -1.4 < scans.min() and scans.max() <= 1


def test_weighting_negatives_is_having_more_of_them():
    z = np.concatenate([rng.normal(1, 1, (P, 5)), rng.normal(0, 1, (N, 5))])
    labels = np.zeros((P + N, 5), int)
    labels[np.arange(P), np.arange(P) % 5] = 1
    repeated = 5  # N negatives five times over are 150, that is 12.5 a positive
    many = np.concatenate([z[:P], np.repeat(z[P:], repeated, axis=0)])
    truth = np.concatenate([labels[:P], np.repeat(labels[P:], repeated, axis=0)])
    expected = np.mean([average_precision(many[:, c], truth[:, c]) for c in range(5)])
    assert mean_ap(z, labels, N * repeated / P) == pytest.approx(expected, abs=1e-12)
    assert mean_ap(z, labels, 100) < mean_ap(z, labels, 10)


def test_pointing_is_a_mean_over_classes():
    hits = np.array([[1, -1], [1, -1], [1, -1], [-1, 0]])
    assert mean_pointing(hits) == 0.5


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder whose scans are made here, and a plan of a few steps."""
    parts = {
        "train-positive": part(P, True),
        "train-negative": part(N, False),
        "test-positive": part(P, True),
        "test-negative": part(N, False),
    }
    monkeypatch.setattr(benchmark, "open_part", lambda folder, name, size: parts[name])
    monkeypatch.setattr(benchmark, "REPLICATES", 20)
    return tmp_path, Plan(
        size=SIZE, backbone="small_cnn", positives=P, test_positives=P, test_negatives=N, batch=8, start_scans=32, scans=32
    )


def quiet(_):
    pass


def test_every_variant_runs_from_the_common_start_and_resumes(tiny):
    pytest.importorskip("torch")
    folder, plan = tiny
    files = [benchmark.do_run(folder, plan, Run(v, 10, 0), quiet) for v in VARIANTS]
    assert len(list(folder.glob("start-*.pt"))) == 1
    stamps = [f.stat().st_mtime_ns for f in files]
    assert [benchmark.do_run(folder, plan, Run(v, 10, 0), quiet).stat().st_mtime_ns for v in VARIANTS] == stamps
    with np.load(files[-1]) as kept:
        assert kept["z"].shape == (P + N, 5) and kept["hits"].shape == (P, 5) and (kept["hits"] >= 0).sum() == P
    found = cells(folder, plan, [Run("CHR", 10, 0)], 10)
    assert 0 < found["ap"].value < 1 and found["ap"].draws.shape == (20,)


def test_the_same_run_twice_is_the_same_run(tiny):
    folder, plan = tiny
    first = dict(np.load(benchmark.do_run(folder, plan, Run("CHR", 10, 0), quiet)))
    for f in folder.rglob("*.*"):
        f.unlink()
    second = dict(np.load(benchmark.do_run(folder, plan, Run("CHR", 10, 0), quiet)))
    assert (first["z"] == second["z"]).all()


def test_report_states_verdicts_both_ways(tiny):
    from lanescope.ablation_report import verdict, write

    folder, plan = tiny
    runs = [Run(v, r, 0) for r in (10, 100) for v in (benchmark.START, *VARIANTS)] + [
        Run("CHR", 10, 0, masks=True),
        Run("CHR", 10, 0, late=True),
    ]
    for r in runs:
        benchmark.do_run(folder, plan, r, quiet)
    report = folder / "docs" / "RESULTS.md"
    report.parent.mkdir()
    report.write_text("# Results\n\n<!-- ablation:begin -->\nformer table\n<!-- ablation:end -->\n\nkept words\n")
    write(folder, plan, runs, report)
    text = report.read_text()
    assert "former table" not in text and "kept words" in text and "supervision:begin" in text and "levels:begin" in text
    assert "from the middle of the training on | " in text
    assert text.count("| `CHR` |") == 2  # the main table and the levels
    record = json.loads((report.parent / "results" / "ablation.json").read_text())
    assert len(record["cells"]) == 13 and record["at1000"].keys() == set(VARIANTS)
    up = Cell(0.1, np.full(20, 0.1), [0.1])
    assert verdict(up) == "holds here" and "opposite" in verdict(up.minus(Cell(0.3, np.full(20, 0.3), [0.3])))
    assert "not shown" in verdict(Cell(0.0, np.linspace(-1, 1, 20), [0.0]))


def test_sections_leave_the_rest_alone(tmp_path):
    file = tmp_path / "R.md"
    replace_section(file, "a", "one")
    replace_section(file, "b", "two")
    replace_section(file, "a", "three")
    assert file.read_text() == "<!-- a:begin -->\nthree\n<!-- a:end -->\n\n<!-- b:begin -->\ntwo\n<!-- b:end -->\n"
