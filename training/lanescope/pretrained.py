"""Where training starts: the MobileNetV2 (Open Images) that npm's `@mediapipe/objectron` carries (Apache-2.0), or an exported network."""

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

from lanescope.network import Chr, Refine, split_mix

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


def layers_from_onnx(file: Path) -> list[tuple[Tensor, Tensor]]:
    """The convolutions of an exported network in the order in which they run, as (weight, bias), batch norm folded in.

    Raises:
        ValueError: a convolution's weights are not stored in fp32 (an int8 export, say).
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(file)).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    layers = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in stored:  # equal tensors are stored once
            stored[node.output[0]] = stored[node.input[0]]
        if node.op_type != "Conv":
            continue
        if any(name not in stored or stored[name].data_type != onnx.TensorProto.FLOAT for name in node.input[1:]):
            raise ValueError(f"{file}: {node.name} holds no plain weights; start from an fp32 export")
        weight, *bias = (torch.from_numpy(numpy_helper.to_array(stored[name]).copy()) for name in node.input[1:])
        layers.append((weight, bias[0] if bias else torch.zeros(len(weight))))
    return layers


Slot = tuple[nn.Conv2d, "nn.BatchNorm2d | None"]
Layer = tuple[Tensor, Tensor]


def start_from(module: nn.Module, layers: list[tuple[Tensor, Tensor]], scans: Tensor) -> list[str]:
    """Load folded layers into a network (or its backbone) and give every batch norm honest statistics.

    A folded layer has no statistics left. Each batch norm is set so that it normalises what it really sees and then
    undoes it (gain = its deviation, shift = its mean + the folded bias): the same function, but trainable as usual.

    Args:
        module: changed in place. In a `Chr` the backbone must fit; a refinement or a classifier of another shape than the exported one's
            stays as it was initialised. Refinement that was exported as one 1x1 convolution over the concatenated maps is split.
        layers: (weight, bias) of every convolution in the order in which they run.
        scans: float [N, 3, S, S], a few dozen normalised scans.

    Returns:
        names of the parts that did not fit and stay fresh, such as "refine.0"; empty when all was loaded.

    Raises:
        ValueError: the layers do not fit the module (or, of a `Chr`, its backbone).
    """
    slots = _slots(module, scans[:1])
    fresh: list[str] = []
    if isinstance(module, Chr):
        body = len(_slots(module.backbone, scans[:1]))
        heads, fresh = _fit_heads(module, slots[body:], layers[body:])
        pairs = [*zip(slots[:body], layers[:body], strict=False), *heads]
        whole = len(layers) >= body
    else:
        pairs, whole = list(zip(slots, layers, strict=False)), len(slots) == len(layers)
    if not whole:
        raise ValueError(f"{len(layers)} layers for {len(slots)} convolutions")
    for (convolution, _), (weight, _) in pairs:
        if convolution.weight.shape != weight.shape:
            raise ValueError(f"layers do not fit: {tuple(weight.shape)} is no {tuple(convolution.weight.shape)}")
    handles = []
    for (convolution, norm), (weight, bias) in pairs:
        convolution.weight.data.copy_(weight)
        if norm is not None:
            handles.append(norm.register_forward_pre_hook(_re_estimate(bias)))
        elif convolution.bias is not None:
            convolution.bias.data.copy_(bias)
    _run(module, scans)
    for handle in handles:
        handle.remove()
    return fresh


def _fit_heads(network: Chr, slots: list[Slot], layers: list[Layer]) -> tuple[list[tuple[Slot, Layer]], list[str]]:
    """The part of an exported network's layers above the backbone that fits this one, and the names of this one's parts that stay fresh."""
    slot_of = {id(slot[0]): slot for slot in slots}
    classes = network.config.classes
    split = len(layers)
    while split and layers[split - 1][0].shape[0] == classes and layers[split - 1][0].shape[2] == 1:
        split -= 1
    # A refinement runs as 1x1 over the concatenation or a 1x1 a map ("p"), then 3x3 ("f") or depthwise and 1x1 ("dp"); deepest first.
    kinds = "".join("p" if w.shape[2] == 1 else "d" if w.shape[1] == 1 else "f" for w, _ in layers[:split])
    form = next((f for f in ("pf", "ppf", "ppdp") if kinds == f * (len(kinds) // len(f))), None)
    stored = [layers[at : at + len(form)] for at in range(0, split, len(form))] if form else []
    pairs: list[tuple[Slot, Layer]] = []
    fresh: list[str] = []

    def fit(name: str, part: nn.Module, found: list[Layer] | None) -> None:
        own = [slot_of[id(m)] for m in part.modules() if isinstance(m, nn.Conv2d)]
        if found is not None and isinstance(part, Refine) and form == "pf":
            weight, bias = found[0]
            if weight.shape[1] == part.deeper.in_channels + part.here.in_channels:
                deeper, here = split_mix(weight, part)
                found = [(deeper, torch.zeros_like(bias)), (here, bias), *found[1:]]
        if found is None or [s[0].weight.shape for s in own] != [w.shape for w, _ in found]:
            fresh.append(name)
        else:
            pairs.extend(zip(own, found, strict=True))

    for back, refine in enumerate(reversed(network.refine)):
        known = len(stored) == len(network.refine)
        fit(f"refine.{len(network.refine) - 1 - back}", refine, stored[back] if known else None)
    for back, classifier in enumerate(reversed(network.classifiers), start=1):  # the top level's is the last
        fit(f"classifiers.{len(network.classifiers) - back}", classifier, [layers[-back]] if back <= len(layers) - split else None)
    return pairs, fresh


def _slots(module: nn.Module, scan: Tensor) -> list[Slot]:
    """Every convolution in the order in which it runs, with the batch norm that follows it."""
    called: list[nn.Module] = []
    kinds = (nn.Conv2d, nn.BatchNorm2d)
    handles = [m.register_forward_pre_hook(lambda m, _: called.append(m)) for m in module.modules() if isinstance(m, kinds)]
    _run(module, scan)
    for handle in handles:
        handle.remove()
    slots: list[Slot] = []
    for one, after in zip(called, [*called[1:], None], strict=True):
        if isinstance(one, nn.Conv2d):
            slots.append((one, after if isinstance(after, nn.BatchNorm2d) else None))
    return slots


def _run(module: nn.Module, scans: Tensor) -> None:
    was_training = module.training
    module.eval()
    with torch.no_grad():
        module(scans)
    module.train(was_training)


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
