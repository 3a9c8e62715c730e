"""Training: overfits a batch, resumes to the same weights, exports what it trained."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import bank

from lanescope.calibrate import platt, thresholds
from lanescope.data.batches import Recipe, collate, make_samples
from lanescope.export import export_onnx, to_fp16, to_int8, verify
from lanescope.loss import LossConfig, chr_loss
from lanescope.measure.ranking import area_under_curve
from lanescope.network import Chr, NetworkConfig
from lanescope.pretrained import layers_from_onnx, start_from
from lanescope.step import learning_rate
from lanescope.train import TrainConfig, config_from, network_from, train
from lanescope.validate import summarise, validation_samples

CONFIG = TrainConfig(recipe=Recipe(size=64, batch=4), steps=6, checkpoint_every=1e9, validate_every=1e9)


def test_overfits_one_batch() -> None:
    torch.manual_seed(0)
    batch = collate(make_samples(bank(), Recipe(size=64, batch=8), 0, 0, 0.0), (0.5,) * 3, (0.5,) * 3)
    network = Chr(NetworkConfig(backbone="resnet18", pooling="lse"))
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    config = LossConfig(mask_weight=0.2)
    losses = []
    for _ in range(40):
        terms = chr_loss(network(batch.scans), batch.labels, batch.masks, config)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        losses.append(float(terms["labels"]))
    assert losses[-1] < 0.25 * losses[0]
    with torch.no_grad():
        fused = network.fuse(network(batch.scans)["logits"])
    positives, negatives = fused[batch.labels == 1], fused[batch.labels == 0]
    assert len(positives) > 2 and area_under_curve(positives.numpy(), negatives.numpy()) > 0.97


def test_a_resumed_run_gives_the_same_weights(tmp_path: Path) -> None:
    made = bank()
    whole = train(CONFIG, made, [], tmp_path / "whole")
    train(CONFIG, made, [], tmp_path / "parts", stop_after=3)
    parts = train(CONFIG, made, [], tmp_path / "parts")
    for (name, a), b in zip(whole.state_dict().items(), parts.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    first = Chr(CONFIG.network).state_dict()
    assert any(not torch.equal(a, b) for a, b in zip(first.values(), whole.state_dict().values(), strict=True))
    network, config, state = network_from(tmp_path / "parts" / "last.pt")
    assert config == CONFIG and state["step"] == 6
    assert torch.equal(network.classifiers[0].weight, whole.classifiers[0].weight)


def test_validation_names_every_figure() -> None:
    samples = validation_samples(bank(), 64, 6, 4)
    rng = np.random.default_rng(0)
    n = len(samples)

    class Answer:
        fused, peaks = rng.normal(size=(n, 5)), rng.uniform(size=(n, 5, 2))

    figures = summarise(samples, Answer())  # type: ignore[arg-type]
    assert {"twins_any", "twins_gun", "pointing", "real_scissors_knife", "erased_knife", "real_pointing_scissors", "benign_any"} <= set(
        figures
    )
    # A score that knows the labels must get everything right, whatever the order of the samples.
    Answer.fused = np.stack([np.where(s.labels > 0, 5.0, -5.0) for s in samples]) + rng.normal(size=(n, 5)) * 0.01
    perfect = summarise(samples, Answer())  # type: ignore[arg-type]
    assert perfect["twins_any"] == perfect["erased_knife"] == perfect["real_scissors_knife"] == perfect["benign_any"] == 1


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(pooling="lse"),
        NetworkConfig(backbone="resnet18", variant="base"),
        NetworkConfig(backbone="resnet18", variant="H"),
        NetworkConfig(backbone="small_cnn", rounds=1, feedback="prediction"),
    ],
)
def test_export_agrees_with_torch(config: NetworkConfig, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    torch.manual_seed(1)
    network = Chr(config).eval()
    names = export_onnx(network, tmp_path / "n.onnx", 96)
    assert names == ["logits", *(f"cam_{i + 1}" for i in range(config.outputs))]
    assert verify(network, tmp_path / "n.onnx", 96) < 1e-4
    network.classifiers[0].bias.data += 0.01
    with pytest.raises(RuntimeError, match="differs"):
        verify(network, tmp_path / "n.onnx", 96)


def test_the_pretrained_start_keeps_the_function() -> None:
    """Batch norm re-estimated on scans must leave exactly convolution + folded bias."""
    torch.manual_seed(0)
    network = Chr(NetworkConfig()).eval()
    convolutions = [m for m in network.backbone.modules() if isinstance(m, torch.nn.Conv2d)]
    layers = [(torch.randn_like(c.weight) * 0.2, torch.randn(c.out_channels) * 0.3) for c in convolutions]
    scans = torch.randn(4, 3, 64, 64)
    start_from(network.backbone, layers, scans)
    with torch.no_grad():
        first = network.backbone.stages[0][0][0]  # convolution, norm, ReLU6
        expected = torch.nn.functional.conv2d(scans, layers[0][0], layers[0][1], stride=2, padding=1).clamp(0, 6)
        assert torch.allclose(first(scans), expected, atol=1e-4)
    with pytest.raises(ValueError, match="layers"):
        start_from(Chr(NetworkConfig(backbone="resnet18")).backbone, layers, scans)


@pytest.mark.parametrize(
    "config", [NetworkConfig(pooling="lse"), NetworkConfig(refine=(32, 48), kernel="separable"), NetworkConfig(variant="H")]
)
def test_an_exported_network_can_be_the_start(config: NetworkConfig, tmp_path: Path) -> None:
    """Weights that come back from ONNX, batch norm folded, must answer as before."""
    torch.manual_seed(0)
    network = Chr(config).train()
    with torch.no_grad():
        network(torch.randn(8, 3, 96, 96))  # batch norm away from its initial statistics
    network.eval()
    export_onnx(network, tmp_path / "n.onnx", 96)
    again = Chr(config)
    scans = torch.randn(8, 3, 96, 96)
    assert start_from(again, layers_from_onnx(tmp_path / "n.onnx"), scans) == []
    with torch.no_grad():
        assert torch.allclose(network.eval()(scans)["logits"], again.eval()(scans)["logits"], atol=1e-3)


def test_the_shipped_network_starts_others() -> None:
    """It has one 1x1 convolution over concatenated maps, or two: the same widths take all of it, others what fits."""
    pytest.importorskip("onnxruntime")
    import onnxruntime

    file = sorted((Path(__file__).parents[2] / "resources" / "models").glob("*.onnx"))[0]
    layers = layers_from_onnx(file)
    torch.manual_seed(0)
    scans = torch.randn(8, 3, 320, 320) / 2
    stored = next(w.shape[0] for w, _ in reversed(layers) if w.shape[2] == 3)  # the finest refinement's width
    whole = Chr(NetworkConfig(pooling="lse", refine="bounded" if stored == 64 else (32, 48)))
    expected = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).run(None, {"scan": scans.numpy()})
    if start_from(whole, layers, scans) == []:
        with torch.no_grad():
            assert np.allclose(whole.eval()(scans)["logits"].numpy(), expected[0], atol=2e-3)
    part = Chr(NetworkConfig(pooling="lse", refine=(40, 56)))
    assert start_from(part, layers, scans) == ["refine.1", "refine.0", "classifiers.1", "classifiers.0"]
    with torch.no_grad():
        assert np.allclose(part.eval()(scans)["cams"][-1].numpy(), expected[3], atol=2e-3)


def test_the_exported_graph_is_cheap(tmp_path: Path) -> None:
    """No shape arithmetic, no batch norm left over, and the deeper map mixed before it is up-sampled."""
    onnx = pytest.importorskip("onnx")
    export_onnx(Chr(NetworkConfig(pooling="lse", refine=(32, 48))), tmp_path / "n.onnx", 320)
    graph = onnx.shape_inference.infer_shapes(onnx.load(str(tmp_path / "n.onnx"))).graph
    kinds = {node.op_type for node in graph.node}
    assert not kinds & {"Shape", "BatchNormalization", "Sqrt", "Slice"}
    width = {v.name: v.type.tensor_type.shape.dim[1].dim_value for v in graph.value_info if len(v.type.tensor_type.shape.dim) == 4}
    assert [width[node.input[0]] for node in graph.node if node.op_type == "Resize"] == [48, 32]


def test_a_checkpoint_keeps_what_it_was_trained_with() -> None:
    """Before the paper's rule and the widths had names, "hierarchical" was the shifted rule and widths were bounded."""
    state = {"config": asdict(TrainConfig())}
    assert config_from(state) == TrainConfig()
    old = asdict(TrainConfig())
    for name in ("refine", "kernel"):
        del old["network"][name]
    for name in ("balance_from", "masks_from"):
        del old["loss"][name]
    config = config_from({"config": old})
    assert config.loss.balance == "shifted" and config.network.refine == "bounded"
    assert [c.in_channels for c in Chr(config.network).classifiers] == [64, 96, 1280]


def test_schedule_and_calibration() -> None:
    assert learning_rate(0.0, 0.1) < learning_rate(0.1, 0.1) and learning_rate(1.0, 0.1) == pytest.approx(0.01)
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.1).astype(int)
    z = rng.normal(-2, 1, 20_000) + 2 * y  # equal-variance normals: the true slope is 2, the offset -2 z0 + log odds
    a, b = platt(z, y)
    assert a == pytest.approx(2, abs=0.1) and b == pytest.approx(2 + np.log(0.1 / 0.9), abs=0.15)
    with pytest.raises(ValueError):
        platt(-z, y)
    benign = rng.normal(size=(5000, 5))
    cut = thresholds(benign)
    for tier, rate in (("advisory", 0.05), ("alarm", 0.01)):
        fired = (benign > [cut[c][tier] for c in cut]).any(axis=1).mean()
        assert rate * 0.8 < fired <= rate * 1.01


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_smaller_precisions_answer_nearly_the_same(precision: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(2)
    network = Chr(NetworkConfig(backbone="resnet18", pooling="lse")).eval()
    export_onnx(network, tmp_path / "full.onnx", 64)
    scans = torch.rand(6, 3, 64, 64).numpy() * 2 - 1
    if precision == "fp16":
        to_fp16(tmp_path / "full.onnx", tmp_path / "small.onnx")
    else:
        to_int8(tmp_path / "full.onnx", tmp_path / "small.onnx", scans)
    answers = []
    for name in ("full", "small"):
        session = onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        assert [output.name for output in session.get_outputs()] == ["logits", "cam_1", "cam_2", "cam_3"]
        assert session.get_inputs()[0].type == "tensor(float)"
        answers.append(session.run(["logits"], {"scan": scans})[0])
    assert (tmp_path / "small.onnx").stat().st_size < 0.6 * (tmp_path / "full.onnx").stat().st_size
    assert np.abs(answers[0] - answers[1]).max() < (0.02 if precision == "fp16" else 0.25)
    assert not np.array_equal(answers[0], answers[1])
