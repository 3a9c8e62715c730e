"""What both peers share: the model by its manifest, and one scan's five fused logits, worst bag by class."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the library loads
sys.path.insert(0, str(Path(__file__).parents[2] / "training"))

import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402
from lanescope.preprocess import decode, normalise, prepare  # noqa: E402


class Model:
    """An ONNX session of the CPU, and what its manifest says of the input.

    Args:
        manifest: path of the JSON file beside the ONNX file.
        threads: in the session; None is ONNX Runtime's own choice.
    """

    def __init__(self, manifest: str, threads: int | None = None) -> None:
        self.manifest = json.loads(Path(manifest).read_text())
        options = ort.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        file = Path(manifest).parent / self.manifest["file"]
        self.session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def fused(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [S, S, 3] -> float32 [5]: every output is computed, as the app needs the maps too."""
        names = self.manifest["input"]
        outputs = self.manifest["outputs"]
        tensor = normalise(pixels, names["mean"], names["std"])
        logits = self.session.run([outputs["logits"], *outputs["cams"]], {names["name"]: tensor})[0][0]
        if self.manifest.get("fusion", "logits") == "logits":
            return logits.mean(axis=0)
        return np.logaddexp.reduce(-np.logaddexp(0, -logits), axis=0) - np.logaddexp.reduce(-np.logaddexp(0, logits), axis=0)


def scored(model: Model, file: str) -> str:
    """One line: the file and its fused logits, tab between; or why it has none."""
    try:
        prepared = prepare(decode(file), model.manifest["input"]["size"])
    except ValueError as error:
        return f"{file}\t{error}"
    looks = prepared if isinstance(prepared, list) else [prepared]
    worst = np.maximum.reduce([model.fused(look.pixels) for look in looks])
    return f"{file}\t{' '.join(f'{z:.4f}' for z in worst)}"
