"""What refinement costs: CHR's time a scan over its backbone's."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from lanescope.export import export_onnx
from lanescope.measure.resampling import interval
from lanescope.network import Chr, NetworkConfig

CONFIGURATIONS = (
    ("resnet34", 224, NetworkConfig("resnet34")),
    ("mobilenet_v2", 320, NetworkConfig("mobilenet_v2", pooling="lse", refine="bounded")),
    ("mobilenet_v2", 320, NetworkConfig("mobilenet_v2", pooling="lse")),
    ("mobilenet_v2", 320, NetworkConfig("mobilenet_v2", pooling="lse", refine=(32, 48))),
    ("mobilenet_v2", 320, NetworkConfig("mobilenet_v2", pooling="lse", refine=(32, 48), kernel="separable")),
)
"""Backbone, pixels and the CHR that is timed against it."""


def time_ratio(size: int, config: NetworkConfig, repetitions: int, folder: Path) -> dict[str, float | int | str | list[float]]:
    """CHR's time a scan over its backbone's in ONNX Runtime: one thread, one run, the two taking turns; median and bootstrap interval."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {}
    for name, one in (("base", NetworkConfig(config.backbone, "base", pooling=config.pooling)), ("CHR", config)):
        torch.manual_seed(0)
        file = folder / f"time-{config.backbone}-{name}-{size}.onnx"
        export_onnx(Chr(one), file, size)
        sessions[name] = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        file.unlink()
    scan = {"scan": np.random.default_rng(0).normal(size=(1, 3, size, size)).astype(np.float32)}
    taken: dict[str, list[float]] = {"base": [], "CHR": []}
    for repetition in range(repetitions + 5):
        for name in ("base", "CHR") if repetition % 2 else ("CHR", "base"):
            # the thread's own CPU time: other work on a shared machine does not count
            began = time.thread_time()
            sessions[name].run(None, scan)
            if repetition >= 5:
                taken[name].append(time.thread_time() - began)
    base, chr_ = (np.array(taken[v]) for v in ("base", "CHR"))
    picks = np.random.default_rng(0).integers(0, len(base), (1000, len(base)))
    low, high = interval(np.median(chr_[picks], axis=1) / np.median(base[picks], axis=1))
    widths = config.refine if isinstance(config.refine, str) else ", ".join(map(str, config.refine))
    return {
        "backbone": config.backbone,
        "size": size,
        "refine": f"{widths}{', separable' if config.kernel == 'separable' else ''}",
        "repetitions": repetitions,
        "base_ms": float(np.median(base) * 1e3),
        "chr_ms": float(np.median(chr_) * 1e3),
        "ratio": float(np.median(chr_) / np.median(base)),
        "interval": [low, high],
    }
