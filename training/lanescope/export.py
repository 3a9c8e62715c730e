"""A trained network -> ONNX, its manifest and its held-out scores (docs/MODEL_CONTRACT.md)."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lanescope.network import Chr
from lanescope.patch import CLASSES

OPSET = 17


class _Graph(nn.Module):
    """What the graph returns: logits, then a map a level, as plain tensors."""

    def __init__(self, network: Chr) -> None:
        super().__init__()
        self.network = network

    def forward(self, scan: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(scan)
        logits, cams = outputs["logits"], outputs["cams"]
        if self.network.config.variant == "released":
            # Its prediction is the top level alone; the app takes the levels' mean, so it must see that level only.
            return logits[:, -1:], cams[-1]
        return logits, *cams


def export_onnx(network: Chr, file: Path, size: int) -> list[str]:
    """Write the graph in fp32.

    Args:
        network: any variant; left in eval mode, on the CPU.
        file: target, `.onnx`.
        size: S, pixels.

    Returns:
        output names, `logits` first.
    """
    network = network.cpu().float().eval()
    graph = _Graph(network)
    example = torch.zeros(1, 3, size, size)
    with torch.no_grad():
        count = len(graph(example))
    names = ["logits", *(f"cam_{level}" for level in range(1, count))]
    file.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"dynamo": False} if "dynamo" in torch.onnx.export.__code__.co_varnames else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            str(file),
            opset_version=OPSET,
            input_names=["scan"],
            output_names=names,
            dynamic_axes={name: {0: "N"} for name in ["scan", *names]},
            do_constant_folding=True,
            **options,
        )
    return names


def verify(network: Chr, file: Path, size: int, tolerance: float = 1e-4) -> float:
    """Largest absolute difference between torch and ONNX Runtime over every output.

    Raises:
        RuntimeError: it exceeds the tolerance.
    """
    import onnxruntime

    generator = torch.Generator().manual_seed(0)
    scan = torch.rand(2, 3, size, size, generator=generator) * 2 - 1
    with torch.no_grad():
        expected = _Graph(network.eval())(scan)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    got = session.run(None, {"scan": scan.numpy()})
    worst = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(expected, got, strict=True))
    if worst > tolerance:
        raise RuntimeError(f"{file.name} differs from torch by {worst:.2e}, more than {tolerance:.0e}")
    return worst


def to_fp16(source: Path, target: Path) -> None:
    """Weights and arithmetic in half precision; input and outputs stay float32, as the contract says."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True), str(target))


def to_int8(source: Path, target: Path, scans: np.ndarray) -> None:
    """Static int8 (QDQ, weights a channel), calibrated on scans.

    Args:
        scans: float32 [N, 3, S, S], normalised, from training data only.
    """
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows = iter(scans)

        def get_next(self) -> dict[str, np.ndarray] | None:
            row = next(self.rows, None)
            return None if row is None else {"scan": row[None]}

    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    try:
        quantize_static(
            str(prepared),
            str(target),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_last_convolutions(prepared),
        )
    finally:
        prepared.unlink(missing_ok=True)


def _last_convolutions(file: Path) -> list[str]:
    """Classifiers and all that pools them stay in float: an eighth of a logit there is an alarm more or less."""
    import onnx

    graph = onnx.load(str(file)).graph
    producer = {output: node for node in graph.node for output in node.output}
    names = []
    for output in graph.output:
        if output.name.startswith("cam_") and output.name in producer:
            names.append(producer[output.name].name)
    names += [node.name for node in graph.node if node.op_type not in ("Conv", "Add", "Concat", "Resize", "Clip", "Relu")]
    return names


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_manifest(
    onnx_file: Path,
    scores_file: Path,
    network: Chr,
    *,
    size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    version: str,
    outputs: list[str],
    precision: str,
    calibration: dict[str, Any],
    thresholds: dict[str, Any],
    statistics: dict[str, Any],
    provenance: dict[str, Any],
    figures: list[dict[str, Any]],
    presets: dict[str, Any] | None = None,
) -> Path:
    """Write `<name>.json` beside the ONNX file, with the fields of docs/MODEL_CONTRACT.md."""
    config = network.config
    manifest = {
        "schema": 1,
        "name": onnx_file.stem,
        "version": version,
        "file": onnx_file.name,
        "sha256": sha256(onnx_file),
        "bytes": onnx_file.stat().st_size,
        "precision": precision,
        "backbone": config.backbone,
        "variant": config.variant,
        "levels": len(outputs) - 1,
        "fusion": config.fusion,
        "input": {"name": "scan", "size": size, "mean": list(mean), "std": list(std), "preprocessing": "bag-2"},
        "outputs": {"logits": outputs[0], "cams": outputs[1:]},
        "classes": list(CLASSES),
        "calibration": calibration,
        "thresholds": thresholds,
        "presets": presets or {},
        "scores": {"file": scores_file.name, "sha256": sha256(scores_file)},
        "imageStatistics": statistics,
        "provenance": provenance,
        "figures": figures,
    }
    target = onnx_file.with_suffix(".json")
    target.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target
