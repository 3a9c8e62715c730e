"""The ablation's machinery on tiny data: fair batches, weighted ratios, runs that resume, and a report that says what it found."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lanescope.ablation import data, figures, report, runs
from lanescope.ablation.data import Batches, MapBatches
from lanescope.ablation.figures import Cell, cells, mean_ap, mean_pointing
from lanescope.ablation.plan import VARIANTS, Plan, Run
from lanescope.measure.ranking import average_precision
from lanescope.network import Chr
from lanescope.patch import CLASSES
from lanescope.report import replace_section
from lanescope.scoring import fuse
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
            boxes.append([(CLASSES[i % 5], 0.25, 0.25, 0.5, 0.5)])
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
    monkeypatch.setattr(data, "open_part", lambda folder, name, size: parts[name])
    monkeypatch.setattr(figures, "REPLICATES", 20)
    return tmp_path, Plan(size=SIZE, backbone="small_cnn", positives=P, pool=N, test_positives=P, test_negatives=N, batch=8, scans=32)


def quiet(_):
    pass


def test_every_variant_runs_from_the_pretrained_start_and_is_kept(tiny):
    folder, plan = tiny
    files = [runs.do_run(folder, plan, Run(v, 10, 0), quiet) for v in VARIANTS]
    assert len(list(folder.glob("start-*.pt"))) == len(list(folder.glob("maps-*.npz"))) == 1
    stamps = [f.stat().st_mtime_ns for f in files]
    assert [runs.do_run(folder, plan, Run(v, 10, 0), quiet).stat().st_mtime_ns for v in VARIANTS] == stamps
    with np.load(files[-1]) as kept:
        assert kept["z"].shape == (P + N, 5) and kept["hits"].shape == (P, 5) and (kept["hits"] >= 0).sum() == P
        assert np.allclose(kept["z"], fuse(kept["levels"], "probabilities"))
        assert set(np.unique(kept["labels"])) == {0, 1}
    found = cells(folder, plan, [Run("CHR", 10, 0)], 10)
    assert 0 < found["ap"].value < 1 and found["ap"].draws.shape == (20,)


def test_all_levels_start_untrained_and_the_backbone_pretrained(tiny, monkeypatch):
    """No common trained `base`: a run of no steps has the start's backbone and fresh heads."""
    folder, plan = tiny
    met = {}
    monkeypatch.setattr(runs, "train", lambda network, *rest: (met.setdefault("network", network).eval(), 0.0, 0.0))
    runs.do_run(folder, plan, Run("CHR", 10, 0), quiet)
    start = torch.load(next(folder.glob("start-*.pt")))
    state = met["network"].backbone.state_dict()
    assert state and all(torch.equal(state[k], start[k]) for k in state)
    torch.manual_seed(0)
    fresh = Chr(met["network"].config)
    assert all(torch.equal(a.weight, b.weight) for a, b in zip(met["network"].classifiers, fresh.classifiers, strict=True))


@pytest.mark.parametrize("frozen", [0, 1])
def test_an_interrupted_run_goes_on_to_the_same_scores(tiny, monkeypatch, frozen):
    folder, plan = tiny
    plan = replace(plan, frozen=frozen)
    run = Run("CHR", 10, 0, warm=True)
    first = dict(np.load(runs.do_run(folder, plan, run, quiet)))
    run.file(folder, plan).unlink()
    monkeypatch.setattr(runs, "CHECKPOINT_EVERY", -1.0)
    take, calls = Batches.take, []

    def power_cut(self, step):
        calls.append(step)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return (MapBatches.take if frozen else take)(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "MapBatches" if frozen else "Batches", type("Cut", (MapBatches if frozen else Batches,), {"take": power_cut}))
        with pytest.raises(KeyboardInterrupt):
            runs.do_run(folder, plan, run, quiet)
        assert run.file(folder, plan).with_suffix(".pt").exists() and not run.file(folder, plan).exists()
        calls.extend([0] * 3)
        second = dict(np.load(runs.do_run(folder, plan, run, quiet)))
        assert calls[6:] == [2, 3]
    assert (first["z"] == second["z"]).all() and not run.file(folder, plan).with_suffix(".pt").exists()


def test_the_warm_up_drops_nothing_at_first(tiny, monkeypatch):
    folder, plan = tiny
    told = {}
    monkeypatch.setattr(runs, "train", lambda network, batches, plan, loss, checkpoint: (told.setdefault(loss, network).eval(), 0.0, 0.0))
    for warm in (False, True):
        runs.do_run(folder, plan, Run("CHR", 10, 0, warm=warm), quiet)
    plain, warm = told
    assert plain.at(0.0).balance == warm.at(0.5).balance == "hierarchical" and warm.at(0.29).balance == "none"


def test_report_states_verdicts_both_ways(tiny):
    folder, plan = tiny
    done = [Run(v, r, s) for r in (10, 100) for v in VARIANTS for s in (0, 1) if (r, s) != (100, 1)] + [Run("CHR", 10, 0, warm=True)]
    for r in done:
        runs.do_run(folder, plan, r, quiet)
    text_file = folder / "docs" / "RESULTS.md"
    text_file.parent.mkdir()
    text_file.write_text("# Results\n\n<!-- ablation:begin -->\nformer table\n<!-- ablation:end -->\n\nkept words\n")
    report.write(folder, plan, done, text_file)
    text = text_file.read_text()
    assert "former table" not in text and "kept words" in text and "levels:begin" in text
    assert "| `CHR, warm-up` | " in text and "not run" in text and "`CHR, masks`" not in text
    assert text.count("| `CHR` |") == 2  # the main table and the levels
    assert "full budget is 100,000" in text and "3 of them hold a threat" in text
    record = json.loads((text_file.parent / "results" / "ablation.json").read_text())
    assert len(record["cells"]) == 11 and len(record["cells"][0]["runs"]) >= 1
    # claim 2 compares a mean of two seeds with one seed: each gain is paired on the seeds that both sides have
    assert len(report.paired(folder, plan, {("CHR", 10): [Run("CHR", 10, 1)], ("base", 10): done[:2]}, "CHR", 10)[0].seeds) == 1
    up = Cell(0.1, np.full(20, 0.1), [0.1, 0.2])
    assert report.verdict(up) == "holds here" and "opposite" in report.verdict(up.minus(Cell(0.3, np.full(20, 0.3), [0.3, 0.4])))
    assert "not shown" in report.verdict(Cell(0.0, np.linspace(-1, 1, 20), [0.0]))
    assert "seeds disagree" in report.verdict(Cell(0.1, np.full(20, 0.1), [0.3, -0.1]))


def test_sections_leave_the_rest_alone(tmp_path):
    file = tmp_path / "R.md"
    replace_section(file, "a", "one")
    replace_section(file, "b", "two")
    replace_section(file, "a", "three")
    assert file.read_text() == "<!-- a:begin -->\nthree\n<!-- a:end -->\n\n<!-- b:begin -->\ntwo\n<!-- b:end -->\n"
