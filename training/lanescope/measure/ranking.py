"""Average precision and ROC area of one class's scores. Labels: 1 present, 0 absent, -1 unknown (left out)."""

from __future__ import annotations

from math import nan

import numpy as np

from lanescope.measure.labels import UNKNOWN, checked

# The paper (5.1) says "mAP as in PASCAL VOC" without the year. VOC's own definition since 2010 is the area under the interpolated
# precision-recall curve, and that is the default here; the 2007 rule (11 points) and the step sum that scikit-learn and the
# authors' released meter compute are named options.
PROTOCOLS = ("voc-all", "voc-11", "step")
DEFAULT_PROTOCOL = "voc-all"


def average_precision(scores: np.ndarray, labels: np.ndarray, protocol: str = DEFAULT_PROTOCOL) -> float:
    """Average precision of one class.

    scores: float [N], larger is more likely; labels: int [N] in {1, 0, -1}. Equal scores share one threshold, so the order of
    the samples never matters. NaN without a positive. Raises ValueError on a NaN score or an unknown protocol.
    """
    ranking = Ranking(scores, labels)
    return float(ranking.average_precision(np.ones((1, ranking.n)), protocol)[0])


def roc_auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve: P(positive scores higher) + P(tie) / 2. Shapes as in `average_precision`; NaN with one class only."""
    ranking = Ranking(scores, labels)
    return float(ranking.roc_auc(np.ones((1, ranking.n)))[0])


def area_under_curve(positive: np.ndarray, negative: np.ndarray) -> float:
    """`roc_auc` of two sets of scores: P(a positive scores higher) + P(tie) / 2; NaN where either is empty."""
    return roc_auc(np.concatenate([positive, negative]), np.repeat([1, 0], [len(positive), len(negative)]))


class Ranking:
    """One class's samples sorted by score, ready for many sets of weights; samples of unknown label are dropped (see `kept`)."""

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        labels = checked(labels)
        if scores.shape != labels.shape or scores.ndim != 1:
            raise ValueError(f"scores {scores.shape} and labels {labels.shape} must be vectors of one length")
        known = np.flatnonzero(labels != UNKNOWN)
        if np.isnan(scores[known]).any():
            raise ValueError("a score is NaN: a scan that could not be scored has no place in a ranking")
        order = np.argsort(-scores[known], kind="stable")
        self.kept = known[order]
        self.n = len(self.kept)
        ranked = scores[self.kept]
        self.positive = labels[self.kept] > 0
        # last index of each run of equal scores: the thresholds
        self.ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if self.n else np.zeros(0, dtype=int)

    def _counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        true = np.cumsum(weights * self.positive, axis=1)[:, self.ends]
        false = np.cumsum(weights * ~self.positive, axis=1)[:, self.ends]
        return true, false

    def average_precision(self, weights: np.ndarray, protocol: str) -> np.ndarray:
        """weights: [B, n] in ranked order -> [B]."""
        if protocol not in PROTOCOLS:
            raise ValueError(f"unknown protocol {protocol!r}: one of {', '.join(PROTOCOLS)}")
        if not self.n:
            return np.full(len(weights), nan)
        true, false = self._counts(weights)
        total = true[:, -1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(true + false > 0, true / (true + false), 0.0)
            recall = true / total
        if protocol == "step":
            height = precision
        else:  # VOC interpolates: the best precision at this recall or any higher one
            height = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        if protocol == "voc-11":
            points = np.arange(11) / 10
            area = np.mean([np.where(recall >= t, precision, 0.0).max(axis=1) for t in points], axis=0)
        else:
            area = (np.diff(recall, axis=1, prepend=0.0) * height).sum(axis=1)
        return np.where(total[:, 0] > 0, area, nan)

    def roc_auc(self, weights: np.ndarray) -> np.ndarray:
        """weights: [B, n] in ranked order -> [B]."""
        if not self.n:
            return np.full(len(weights), nan)
        true, false = self._counts(weights)
        rises = np.diff(true, axis=1, prepend=0.0)
        beaten = false[:, -1:] - false  # negatives below this threshold
        tied = np.diff(false, axis=1, prepend=0.0)
        pairs = true[:, -1] * false[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 0, (rises * (beaten + tied / 2)).sum(axis=1) / pairs, nan)
