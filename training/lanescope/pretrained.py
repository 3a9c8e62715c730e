"""A pretrained start: the MobileNetV2 (Open Images) that npm's `@mediapipe/objectron` carries (Apache-2.0), for torchvision's layout."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lanescope.network import Chr

PACKAGE = "@mediapipe/objectron@0.4.1675468480"
_MODEL = "object_detection_ssd_mobilenetv2_oidv4_fp16.tflite"
PROVENANCE = f"MobileNetV2 trained on Open Images v4 (SSD), from npm {PACKAGE} (Apache-2.0, Google MediaPipe), batch norm re-estimated"
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""The input range that these weights were trained on: [-1, 1]."""


def fetch(destination: Path) -> Path:
    """Fetch the package with npm and write its MobileNetV2 as a torch state (list of folded layers).

    Args:
        destination: folder for `mobilenet_v2-oidv4.pt` (about 9 MB).

    Raises:
        RuntimeError: npm failed or the package holds no such model.
    """
    target = destination / "mobilenet_v2-oidv4.pt"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True, check=False)
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            raise RuntimeError(f"npm pack {PACKAGE} failed: {done.stderr.strip()[-300:]}")
        with tarfile.open(archives[0]) as archive:
            loader = _member(archive, "package/objectron_solution_packed_assets_loader.js").decode()
            data = _member(archive, "package/objectron_solution_packed_assets.data")
    listing = re.search(r'"files":\s*(\[.*?\])', loader)
    entries = json.loads(listing.group(1)) if listing else []
    entry = next((e for e in entries if e["filename"].endswith(_MODEL)), None)
    if entry is None:
        raise RuntimeError(f"{PACKAGE} holds no {_MODEL}")
    layers = _read_tflite(data[entry["start"] : entry["end"]])
    destination.mkdir(parents=True, exist_ok=True)
    torch.save(layers, target)
    return target


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise RuntimeError(f"{name} is missing from the package")
    return io.BytesIO(file.read()).getvalue()


def _read_tflite(data: bytes) -> list[tuple[Tensor, Tensor]]:
    """The backbone's 52 convolutions in order, as (weight in torch's layout, bias), batch norm folded in."""
    import tflite

    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    produced: dict[int, int] = {}
    convolutions = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        opcode = model.OperatorCodes(operator.OpcodeIndex())
        code = max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode())
        if code == tflite.BuiltinOperator.DEQUANTIZE:
            produced[operator.Outputs(0)] = operator.Inputs(0)
        elif code in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D):
            name = graph.Tensors(operator.Inputs(1)).Name().decode()
            if re.match(r"FeatureExtractor/MobilenetV2/(Conv|Conv_1|expanded_conv(_\d+)?)/", name):
                convolutions.append((operator.Inputs(1), operator.Inputs(2), code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D))

    def values(tensor: int) -> np.ndarray:
        entry = graph.Tensors(produced.get(tensor, tensor))
        kind = np.float16 if entry.Type() == tflite.TensorType.FLOAT16 else np.float32
        raw = model.Buffers(entry.Buffer()).DataAsNumpy()
        return np.frombuffer(raw.tobytes(), kind).astype(np.float32).reshape(entry.ShapeAsNumpy())

    layers = []
    for weight, bias, depthwise in convolutions:
        w = values(weight)
        # TFLite: [out, h, w, in], depthwise [1, h, w, channels].
        w = w.transpose(3, 0, 1, 2) if depthwise else w.transpose(0, 3, 1, 2)
        layers.append((torch.from_numpy(w.copy()), torch.from_numpy(values(bias).copy())))
    return layers


def start_from(network: Chr, layers_file: Path, scans: Tensor) -> None:
    """Load the folded layers into a MobileNetV2 network and give every backbone batch norm honest statistics.

    A folded layer has no statistics left. Each batch norm is set so that it normalises what it really sees and then
    undoes it (gain = its deviation, shift = its mean + the folded bias): the same function, but trainable as usual.

    Args:
        network: CHR on `mobilenet_v2`; changed in place.
        layers_file: what `fetch` wrote.
        scans: float [N, 3, S, S], a few dozen normalised scans.

    Raises:
        ValueError: the layers do not fit the backbone.
    """
    layers = torch.load(layers_file)
    modules = list(network.backbone.modules())
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
    if not len(convolutions) == len(norms) == len(layers):
        raise ValueError(f"{len(layers)} layers for {len(convolutions)} convolutions")
    handles = []
    for convolution, norm, (weight, bias) in zip(convolutions, norms, layers, strict=True):
        if convolution.weight.shape != weight.shape:
            raise ValueError(f"{tuple(weight.shape)} does not fit {tuple(convolution.weight.shape)}")
        convolution.weight.data.copy_(weight)
        handles.append(norm.register_forward_pre_hook(_re_estimate(bias)))
    was_training = network.training
    network.eval()
    with torch.no_grad():
        network.backbone(scans)
    for handle in handles:
        handle.remove()
    network.train(was_training)


def _re_estimate(folded_bias: Tensor):  # type: ignore[no-untyped-def]
    def hook(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), unbiased=False)
        # A channel that is (almost) always the same would get no gain to train with.
        variance = variance.clamp(min=1e-4)
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.data.copy_(mean + folded_bias.to(mean))

    return hook
