"""Metrics against scikit-learn on random data, hand-computed cases, the bootstrap's coverage, and the fixture shared with TypeScript."""

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from lanescope.measure.estimates import Estimate, ap_estimate, auc_estimate, classification_table, pointing_table
from lanescope.measure.labels import checked
from lanescope.measure.pointing import cell_peaks, hit, in_any_box, peak_over_scales, resize_map
from lanescope.measure.ranking import Ranking, area_under_curve, average_precision, roc_auc
from lanescope.measure.resampling import bootstrap, interval, mulberry32, wilson

FIXTURE = Path(__file__).parents[2] / "test/fixtures/metrics/random.json"
rng = np.random.default_rng(20261122)


def sample(n: int, decimals: int | None, share: float) -> tuple[np.ndarray, np.ndarray]:
    labels = np.where(rng.random(n) < share, 1, 0)
    labels[:2] = 1, 0
    scores = rng.normal(size=n) + 0.8 * (labels > 0)
    return (scores if decimals is None else np.round(scores, decimals)), labels


@pytest.mark.parametrize("decimals", [None, 1, 0])  # 0: nearly everything tied
@pytest.mark.parametrize("share", [0.5, 0.02])
def test_against_scikit_learn(decimals, share):
    metrics = pytest.importorskip("sklearn.metrics")
    for n in (2, 7, 60, 700):
        scores, labels = sample(n, decimals, share)
        truth = labels > 0
        assert roc_auc(scores, labels) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)
        assert average_precision(scores, labels, "step") == pytest.approx(metrics.average_precision_score(truth, scores), abs=1e-12)
        # VOC's area and its 11 points from scikit-learn's curve
        precision, recall, _ = metrics.precision_recall_curve(truth, scores)
        precision, recall = precision[:-1][::-1], recall[:-1][::-1]  # without the added (recall 0, precision 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        assert average_precision(scores, labels) == pytest.approx(np.sum(np.diff(recall, prepend=0) * envelope), abs=1e-12)
        eleven = np.mean([max([p for p, r in zip(precision, recall, strict=True) if r >= t], default=0) for t in np.arange(11) / 10])
        assert average_precision(scores, labels, "voc-11") == pytest.approx(eleven, abs=1e-12)


def test_average_precision_by_hand():
    scores, labels = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0])
    # precision 1, 1/2, 2/3, 1/2 at recall 1/2, 1/2, 1, 1
    assert average_precision(scores, labels) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision(scores, labels, "voc-11") == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_unknown_labels_are_left_out_and_order_is_no_matter():
    scores, labels = sample(200, 1, 0.2)
    more, unknown = np.concatenate([scores, [99, -99]]), np.concatenate([labels, [-1, -1]])
    shuffle = rng.permutation(len(more))
    for protocol in ("voc-all", "voc-11", "step"):
        assert average_precision(more[shuffle], unknown[shuffle], protocol) == pytest.approx(
            average_precision(scores, labels, protocol), abs=1e-12
        )
    assert roc_auc(more[shuffle], unknown[shuffle]) == pytest.approx(roc_auc(scores, labels), abs=1e-12)


def test_what_a_sample_cannot_define_is_nan_and_nan_scores_are_refused():
    assert isnan(average_precision(np.array([1.0, 2.0]), np.array([0, 0])))
    assert isnan(roc_auc(np.array([1.0, 2.0]), np.array([1, 1])))
    assert isnan(roc_auc(np.array([]), np.array([])))
    with pytest.raises(ValueError, match="NaN"):
        roc_auc(np.array([np.nan, 0.0]), np.array([1, 0]))
    with pytest.raises(ValueError, match="protocol"):
        average_precision(np.array([1.0]), np.array([1]), "voc-2012")


def test_weights_mean_repetition():
    """A bootstrap replicate's statistic is that of the sample written out with its repetitions."""
    scores, labels = sample(80, 1, 0.3)
    times = rng.integers(0, 4, 80)
    ranking = Ranking(scores, labels)
    weights = times[ranking.kept][None].astype(float)
    s, y = np.repeat(scores, times), np.repeat(labels, times)
    for protocol in ("voc-all", "voc-11", "step"):
        assert ranking.average_precision(weights, protocol)[0] == pytest.approx(average_precision(s, y, protocol), abs=1e-12)
    assert ranking.roc_auc(weights)[0] == pytest.approx(roc_auc(s, y), abs=1e-12)


def test_mulberry32_is_the_published_stream():
    state, expected = 7, []  # the published recurrence in Python integers
    for _ in range(5):
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        expected.append(t ^ (t >> 14))
    assert mulberry32(7, 0, 5).tolist() == expected
    assert mulberry32(7, 3, 2).tolist() == expected[3:]


def test_chunks_do_not_change_the_bootstrap(monkeypatch):
    scores, labels = sample(120, None, 0.3)
    whole = auc_estimate(scores, labels)
    monkeypatch.setattr("lanescope.measure.resampling._CHUNK_CELLS", 1000)
    assert auc_estimate(scores, labels) == whole


def test_intervals_cover_and_groups_widen_them():
    """The 95 % interval holds the true AUC (0.760 for normals one sd apart) about 95 % of the time; copies in a group add no certainty."""
    covered = 0
    for _ in range(120):
        labels = np.repeat([1, 0], 60)
        scores = rng.normal(size=120) + (labels > 0)
        e = auc_estimate(scores, labels, replicates=200)
        covered += e.low <= 0.7602 <= e.high
    assert 105 <= covered <= 120
    scores, labels = sample(60, None, 0.5)
    single = auc_estimate(scores, labels)
    copied = auc_estimate(np.repeat(scores, 9), np.repeat(labels, 9), np.repeat(np.arange(60), 9))
    naive = auc_estimate(np.repeat(scores, 9), np.repeat(labels, 9))
    assert copied.groups == 60 and copied.low == pytest.approx(single.low) and copied.high == pytest.approx(single.high)
    assert naive.high - naive.low < 0.5 * (copied.high - copied.low)


def test_table_mean_leaves_out_classes_without_positives():
    scores = rng.normal(size=(50, 3))
    labels = np.where(rng.random((50, 3)) < 0.4, 1, 0)
    labels[:, 2] = 0
    table = classification_table(scores, labels, classes=["a", "b", "c"], replicates=50)
    assert isnan(table["c"].value) and isnan(table["c"].low)
    assert table["mean"].value == pytest.approx((table["a"].value + table["b"].value) / 2)
    assert str(table["c"]) == "n/a" and table["c"].as_dict()["value"] is None


def test_pointing_counts_and_falls_back_to_wilson():
    hits = np.array([[1, 1], [0, 1], [1, -1], [-1, 1]])
    table = pointing_table(hits, classes=["a", "b"], replicates=100)
    assert table["a"].value == pytest.approx(2 / 3) and (table["a"].positives, table["a"].negatives) == (2, 1)
    assert table["b"].value == 1 and (table["b"].low, table["b"].high) == pytest.approx(wilson(3, 3))
    assert table["mean"].value == pytest.approx(5 / 6)
    assert wilson(3, 3)[0] == pytest.approx(0.4385, abs=1e-4)  # Wilson 1927, tabulated


def test_resize_is_torch_bilinear():
    torch = pytest.importorskip("torch")
    cam = rng.normal(size=(5, 7))
    expected = torch.nn.functional.interpolate(torch.from_numpy(cam)[None, None], size=(32, 40), mode="bilinear", align_corners=False)[
        0, 0
    ].numpy()
    assert np.abs(resize_map(cam, 32, 40) - expected).max() < 1e-12


def test_peak_is_the_maximum_over_scales():
    coarse, fine = np.zeros((2, 2)), np.zeros((8, 8))
    fine[6, 1] = 5.0
    coarse[0, 1] = 1.0
    x, y = peak_over_scales([fine, coarse], 64)
    assert (x * 8, y * 8) == pytest.approx((1.5, 6.5), abs=0.1)
    assert in_any_box(x, y, [(0.1, 0.7, 0.3, 0.9)]) and not in_any_box(x, y, [(0.5, 0.0, 1.0, 1.0)])
    assert in_any_box(0.5, 0.5, [(0.5, 0.5, 0.6, 0.6)])  # edges belong to the box


def test_a_coarse_map_points_at_its_cell_not_at_the_edge():
    cam = np.zeros((3, 3))
    cam[0, 2] = 4.0
    x, y = peak_over_scales([cam], 96)
    assert (x, y) == pytest.approx((5 / 6, 1 / 6), abs=0.01)  # the cell's centre; its first highest pixel is on the scan's edge
    cam = np.zeros((3, 3))
    cam[1, 1] = 4.0
    assert peak_over_scales([cam], 96) == pytest.approx((0.5, 0.5), abs=0.01)


def test_the_peak_is_taken_at_the_scans_own_size_from_what_it_fills():
    """5.3: a wide scan fills a band of the network's square; padding is no part of it, however high the map is there."""
    cam = np.zeros((8, 8))
    cam[0, 0] = 9.0  # in the padding
    cam[5, 6] = 5.0
    x, y = peak_over_scales([cam], 300, 1200, (0.0, 0.375, 1.0, 0.75))
    assert x == pytest.approx(6.5 / 8, abs=1e-3) and y == pytest.approx((5.5 / 8 - 0.375) / 0.375, abs=3e-3)
    # the whole map as the scan: the same spot whatever the size
    for size in (40, 96, 640):
        assert peak_over_scales([cam], size) == pytest.approx((0.5 / 8, 0.5 / 8), abs=1 / size)


def test_one_peak_of_cells_for_arrays_of_maps():
    maps = rng.normal(size=(3, 5, 4, 6)).astype(np.float32)
    peaks = cell_peaks(maps)
    assert peaks.shape == (3, 5, 2) and peaks.dtype == np.float32
    y, x = np.unravel_index(maps[2, 3].argmax(), (4, 6))
    assert peaks[2, 3].tolist() == pytest.approx([(x + 0.5) / 6, (y + 0.5) / 4])
    assert cell_peaks(np.zeros((2, 2))).tolist() == [0.25, 0.25]  # of equal cells the first


def test_a_hit_is_one_an_image_and_class():
    boxes = [(0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.9, 0.9)]
    assert (hit(0.7, 0.7, boxes), hit(0.4, 0.4, boxes), hit(0.4, 0.4, [])) == (1, 0, -1)


def test_the_label_code_is_checked_where_it_is_used():
    assert checked(np.array([[1, 0], [-1, 1]])).dtype == np.int8
    for wrong in (2, -2, 0.5):
        with pytest.raises(ValueError, match="1 \\(present\\), 0 \\(absent\\)"):
            roc_auc(np.zeros(3), np.array([1, 0, wrong]))
    with pytest.raises(ValueError, match="label"):
        pointing_table(np.array([[1], [3]]))


def test_area_under_curve_is_the_same_area():
    for n in (1, 5, 200):
        up, down = np.round(rng.normal(1, 1, n), 1), np.round(rng.normal(0, 1, 2 * n), 1)
        won = (up[:, None] > down).mean() + (up[:, None] == down).mean() / 2
        assert area_under_curve(up, down) == pytest.approx(won, abs=1e-12)
    assert isnan(area_under_curve(np.array([]), np.array([1.0])))


def test_interval_is_numpy_quantile_without_nan():
    values = rng.normal(size=99)
    low, high = interval(np.append(values, np.nan))
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert bootstrap(lambda w: w.sum(axis=1), np.arange(10), 10, replicates=20).tolist() == [10.0] * 20


# --- the fixture shared with src/domain/metrics.ts -------------------------------------------------------------------------------


# height and width of what is pointed at in pixels, and the part of the maps that shows it
WINDOWS = [(70, 200, [0.0, 0.325, 1.0, 0.675]), (200, 70, [0.3, 0.0, 0.65, 1.0]), (33, 40, [0.5, 0.5, 1.0, 1.0])]


def make_fixture() -> dict:
    """Random scores with ties, unknown labels and groups, and every figure of this module on them."""
    draw = np.random.default_rng(7)
    n, classes = 160, ["gun", "knife", "wrench", "pliers", "scissors"]
    labels = np.where(draw.random((n, 5)) < [0.3, 0.2, 0.1, 0.05, 0.0], 1, 0)
    labels[draw.random((n, 5)) < 0.05] = -1
    scores = draw.normal(size=(n, 5)) + 1.2 * (labels > 0)
    scores[:, 1] = np.round(scores[:, 1], 1)
    scores[:, 2] = np.round(scores[:, 2])
    groups = [f"bag{g}" for g in draw.integers(0, 70, n)]
    hits = np.where(labels > 0, np.where(draw.random((n, 5)) < 0.6, 1, 0), -1)
    hits[hits[:, 3] == 0, 3] = 1  # pliers: every one a hit, the bootstrap's degenerate case
    cams = [draw.normal(size=(h, w)) for h, w in ((12, 12), (6, 6), (3, 3))]
    options = {"replicates": 200, "seed": 11}
    tables = {
        p: {k: e.as_dict() for k, e in classification_table(scores, labels, groups, classes, protocol=p, **options).items()}
        for p in ("voc-all", "voc-11", "step")
    }
    return {
        "classes": classes,
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "groups": groups,
        "hits": hits.tolist(),
        "cams": [c.tolist() for c in cams],
        "size": 96,
        "options": options,
        "expected": {
            "tables": tables,
            "auc": [auc_estimate(scores[:, c], labels[:, c], groups, **options).as_dict() for c in range(5)],
            "pointing": {k: e.as_dict() for k, e in pointing_table(hits, groups, classes, **options).items()},
            "peak": peak_over_scales(cams, 96),
            "windows": [
                {"height": h, "width": w, "window": window, "peak": peak_over_scales(cams, h, w, tuple(window))} for h, w, window in WINDOWS
            ],
            "wilson": wilson(18, 20),
            "stream": mulberry32(11, 0, 5).tolist(),
        },
    }


def test_fixture_is_what_this_code_makes():
    """If this fails on purpose: `python training/tests/test_metrics.py` writes it anew, and the TypeScript test must still pass."""
    assert_close(json.loads(FIXTURE.read_text()), json.loads(json.dumps(make_fixture())))


def assert_close(a, b, where=""):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for k in a:
            assert_close(a[k], b[k], f"{where}/{k}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_close(x, y, f"{where}/{i}")
    elif isinstance(a, float) and isinstance(b, float):
        assert abs(a - b) < 1e-9, where
    else:
        assert a == b, where


def test_estimate_prints_what_a_table_shows():
    assert str(Estimate(0.5, 0.4, 0.6, 3, 4, 7)) == "0.500 [0.400, 0.600]"
    assert ap_estimate(np.array([1.0, 0.0]), np.array([1, 0]), replicates=20).value == 1


if __name__ == "__main__":
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_text(json.dumps(make_fixture()) + "\n")
