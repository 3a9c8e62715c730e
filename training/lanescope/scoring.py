"""Scores from an ONNX model: each image once, remembered by the model's hash and the image's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lanescope.measure.pointing import cell_peaks, plateau_peak, resize_map
from lanescope.preprocess import normalise

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "scores"


@dataclass(frozen=True)
class Scores:
    """What the network says of N images; C classes, L levels."""

    logits: np.ndarray
    """float32 [N, L, C], level 1 (finest) first."""
    peaks: np.ndarray
    """float32 [N, C, 2]: x, y of the fused map's largest cell, in fractions of the square: what the app shows."""
    peaks_over_scales: np.ndarray
    """float32 [N, C, 2]: the paper's peak (5.3), the maximum over the levels' maps rescaled to the square."""
    fusion: str = "logits"
    """How the levels become one prediction."""

    @property
    def fused(self) -> np.ndarray:
        """float64 [N, C], the prediction as a logit, by `fuse`."""
        return fuse(self.logits, self.fusion)

    def take(self, rows: np.ndarray) -> Scores:
        return Scores(self.logits[rows], self.peaks[rows], self.peaks_over_scales[rows], self.fusion)


def fuse(logits: np.ndarray, fusion: str) -> np.ndarray:
    """The levels' logits as one, `lanescope.network.fuse` in float64: the manifest's `fusion` (docs/MODEL_CONTRACT.md).

    Args:
        logits: [N, L, ...].
        fusion: "logits" (their mean) or "probabilities" (the logit of the mean of their probabilities).

    Returns:
        float64 [N, ...].

    Raises:
        ValueError: another rule.
    """
    z = logits.astype(np.float64)
    if fusion == "logits":
        return z.mean(axis=1)
    if fusion != "probabilities":
        raise ValueError(f"unknown fusion {fusion!r}: logits or probabilities")
    # log sigmoid(z) = -log(1 + exp(-z)); the levels' number cancels.
    return np.logaddexp.reduce(-np.logaddexp(0, -z), axis=1) - np.logaddexp.reduce(-np.logaddexp(0, z), axis=1)


def peaks(cams: list[np.ndarray], size: int, fusion: str = "logits") -> tuple[np.ndarray, np.ndarray]:
    """Fused and over-scales peaks of one image.

    cams: one float32 [C, h_l, w_l] a level, finest first; returns two float32 [C, 2] of x, y in fractions of the square.
    """
    fine = cams[0].shape[1:]
    fused = fuse(np.stack([resize_map(cam, *fine) for cam in cams])[None], fusion)[0]
    best = np.maximum.reduce([resize_map(cam, size, size) for cam in cams])
    return cell_peaks(fused), np.array([plateau_peak(m) for m in best], np.float32)


class Model:
    """An ONNX file with its manifest, and a memory of what it has scored.

    Raises (on construction):
        ValueError: the file is not the one that its manifest names (SHA-256).
    """

    def __init__(self, file: Path, *, threads: int = 1, cache: Path | None = CACHE) -> None:
        import onnxruntime

        self.file = file
        self.manifest = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        self.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        if self.sha256 != self.manifest["sha256"]:
            raise ValueError(f"{file.name} is not the file that {file.stem}.json describes: its SHA-256 differs")
        self.size: int = self.manifest["input"]["size"]
        self.mean, self.std = tuple(self.manifest["input"]["mean"]), tuple(self.manifest["input"]["std"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.outputs = [self.manifest["outputs"]["logits"], *self.manifest["outputs"]["cams"]]
        self.fusion: str = self.manifest.get("fusion", "logits")
        self._memory: dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        rule = "" if self.fusion == "logits" else f"-{self.fusion}"  # the fused peak depends on it
        self._store = None if cache is None else cache / f"{self.sha256[:16]}{rule}.npz"
        self.scored = 0
        """Images that really went through the network, the remembered ones not counted."""
        if self._store is not None and self._store.exists():
            with np.load(self._store) as kept:
                for key, *row in zip(kept["keys"], kept["logits"], kept["peaks"], kept["over"], strict=True):
                    self._memory[key.tobytes()] = (row[0], row[1], row[2])

    def run(self, squares: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The network's own outputs, remembered nowhere: logits float32 [N, L, C]; a map float32 [N, C, h_l, w_l] a level, finest first."""
        logits, *cams = self.session.run(self.outputs, {"scan": normalise(squares, self.mean, self.std)})
        return logits, cams

    def score(self, squares: np.ndarray, batch: int = 8) -> Scores:
        """Score prepared scans. squares: uint8 [N, S, S, 3] (steps 2-10 of `bag-2`)."""
        keys = [hashlib.blake2b(np.ascontiguousarray(s).tobytes(), digest_size=16).digest() for s in squares]
        new = list({k: i for i, k in enumerate(keys) if k not in self._memory}.values())
        for first in range(0, len(new), batch):
            rows = new[first : first + batch]
            logits, cams = self.run(np.stack([squares[i] for i in rows]))
            for k, i in enumerate(rows):
                self._memory[keys[i]] = (logits[k], *peaks([c[k] for c in cams], self.size, self.fusion))
            self.scored += len(rows)
        if new:
            self._save()
        parts = [self._memory[k] for k in keys]
        levels, classes = len(self.outputs) - 1, len(self.manifest["classes"])
        if not parts:
            none = np.zeros((0, classes, 2), np.float32)
            return Scores(np.zeros((0, levels, classes), np.float32), none, none, self.fusion)
        logits, fused, over = (np.stack([p[k] for p in parts]) for k in range(3))
        return Scores(logits, fused, over, self.fusion)

    def _save(self) -> None:
        if self._store is None:
            return
        self._store.parent.mkdir(parents=True, exist_ok=True)
        keys = np.array([np.frombuffer(k, np.uint8) for k in self._memory])
        logits, fused, over = (np.stack([v[k] for v in self._memory.values()]) for k in range(3))
        partial = self._store.with_suffix(".part.npz")
        np.savez(partial, keys=keys, logits=logits, peaks=fused, over=over)
        partial.replace(self._store)
