"""Export a trained run: ONNX, manifest, held-out scores."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
from collections import Counter
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="folder", type=Path, required=True, help="folder of a training run (its last.pt)")
    parser.add_argument("--out", type=Path, default=Path("resources/models"))
    parser.add_argument("--name", help="default: chr-<backbone>-<size>, with the precision where it is not fp32")
    parser.add_argument("--precision", choices=["fp32", "fp16", "int8"], default="fp32")
    parser.add_argument("--version", help="default: today's date")
    parser.add_argument("--uncalibrated", action="store_true", help="leave scores as they are; for comparing models, never to ship")
    parser.add_argument("--calibration-scans", type=int, default=96, help="training scans that set int8's ranges")
    parser.add_argument("--data", type=Path, default=None, help="real scans (default: ../shared/data beside the checkout)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--threads", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from lanescope import export
    from lanescope.calibrate import ADVISORY_RATE, ALARM_RATE, calibration, quiet_thresholds, thresholds
    from lanescope.data.bank import load_bank
    from lanescope.data.batches import make_samples
    from lanescope.data.splits import SHARED
    from lanescope.held_out import held_out_rows, write_scores
    from lanescope.patch import CLASSES
    from lanescope.preprocess import normalise
    from lanescope.scoring import Model
    from lanescope.train import CHECKPOINT, network_from

    network, config, state = network_from(args.folder / CHECKPOINT)
    size = config.recipe.size
    suffix = "" if args.precision == "fp32" else f"-{args.precision}"
    name = args.name or f"chr-{config.network.backbone.replace('_', '')}-{size}{suffix}"
    # Made beside and moved when whole: whoever watches the models' folder never meets a half one.
    making = args.out / f".{name}.part"
    target = making / f"{name}.onnx"
    plain = target if args.precision == "fp32" else target.with_suffix(".fp32.onnx")
    outputs = export.export_onnx(network, plain, size)
    difference = export.verify(network, plain, size)
    print(f"torch against ONNX Runtime: largest difference {difference:.1e}")

    root = args.data or SHARED
    training = load_bank("train", args.cache, root)
    if args.precision == "fp16":
        export.to_fp16(plain, target)
    elif args.precision == "int8":
        samples = [s for step in range(-(-args.calibration_scans // 16)) for s in make_samples(training, config.recipe, 1, step, 1.0)]
        export.to_int8(plain, target, normalise(np.stack([s.pixels for s in samples[: args.calibration_scans]]), config.mean, config.std))
    if plain != target:
        plain.unlink()

    moments = [s.statistics for s in training.benign if s.statistics] + [
        s.statistics for s in training.boxed[:: max(1, len(training.boxed) // 209)] if s.statistics
    ]
    statistics = {
        key: {"mean": round(float(np.mean([m[key] for m in moments])), 4), "sd": round(float(np.std([m[key] for m in moments], ddof=1)), 4)}
        for key in moments[0]
    }

    sources = Counter(bag.source for bag in training.bags)
    counted = (len(training.benign), len(training.boxed), sources["sixray"], sources["iflytek"])
    file = args.cache / "simulated-train.npz"
    simulated = len(np.load(file, allow_pickle=True)["scans"]) if file.exists() else 0
    del training  # gigabytes that scoring does not need

    scores_file = target.with_name(f"{name}.scores.csv")
    scores_file.write_text("")  # the manifest must name a file before the model can be opened to fill it
    today = datetime.date.today().isoformat()
    common = {
        "size": size, "mean": config.mean, "std": config.std, "version": args.version or today, "outputs": outputs,
        "precision": args.precision, "statistics": statistics,
        "provenance": {
            "start": config.start,
            "data": [
                f"SIXray: {counted[0]} benign bags (crops and belt frames); {counted[2]} bags of scans with threats, most boxed, and their "
                "cut-outs (academic use only)",
                f"iFLYTEK challenge, three of four scanner types: {counted[3]} bags, knives and scissors boxed "
                "(terms not stated by its publisher)",
                "single guns and knives in dual energy (terms not stated by their publisher), coloured by this project's palettes",
                f"OPIXray: {counted[1]} scans, knives and scissors (academic use only)",
                *_staged_and_meshes(args.folder),
                *([f"{simulated} simulated benign bags of this project's own simulator"] if simulated else []),
                "parametric outlines of this project's own simulator",
                "game-icons (CC BY 3.0) and Material Design Icons (Apache-2.0) outlines",
            ],
            "licence": "research and academic use only: trained on SIXray and OPIXray, which allow no other, and on iFLYTEK and "
            "dual-energy scans, whose terms are not stated",
            "supervision": "image labels and threat masks" if config.loss.mask_weight else "image labels only",
            "seed": config.seed, "minutes": round(state["spent"] / 60, 1), "scans": state["seen"], "steps": state["step"],
            "machine": f"{platform.machine()} CPU, {os.cpu_count()} cores shared with other work", "commit": _commit(), "date": today,
        },
    }  # fmt: skip
    neutral = {
        c: {"a": 1.0, "b": 0.0, "prevalence": 0.5, "positives": 0, "negatives": 0} for c in ("gun", "knife", "wrench", "pliers", "scissors")
    }
    export.write_manifest(
        target,
        scores_file,
        network,
        calibration={"method": "platt", "sample": "", "classes": neutral},
        thresholds={c: {"advisory": 0.0, "alarm": 0.0} for c in neutral},
        figures=[],
        **common,
    )
    rows = held_out_rows(Model(target, threads=args.threads, cache=None), load_bank("validation", args.cache, root), root)
    write_scores(scores_file, rows)
    z, labels = np.array([row.fused for row in rows]), np.array([row.labels for row in rows])
    free = (labels == 0).all(axis=1)
    bags = len({row.group for row, is_free in zip(rows, free, strict=True) if is_free})
    real = Counter(
        name for row in rows for name, label in zip(CLASSES, row.labels, strict=True) if label == 1 and row.source != "composite"
    )
    made = Counter(
        name for row in rows for name, label in zip(CLASSES, row.labels, strict=True) if label == 1 and row.source == "composite"
    )
    counted_words = ", ".join(f"{name} {real[name]}{f' + {made[name]} projected' if made[name] else ''}" for name in CLASSES)
    export.write_manifest(
        target, scores_file, network,
        calibration={
            "method": "platt",
            "sample": f"real validation scans: {counted_words}; {int(free.sum())} benign bags ({bags} independent); thresholds: any "
            f"advisory on {ADVISORY_RATE:.0%}, any alarm on {ALARM_RATE:.0%} of the benign bags",
            "classes": neutral if args.uncalibrated else calibration(z, labels),
        },
        thresholds=thresholds(z[free]), presets={"quiet": quiet_thresholds(z[free])}, figures=[], **common,
    )  # fmt: skip
    size_mb = target.stat().st_size / 1e6
    for file in (target, scores_file, target.with_suffix(".json")):  # the manifest last: it vouches for the others
        file.replace(args.out / file.name)
    making.rmdir()
    print(f"{args.out / target.name}: {size_mb:.1f} MB, {len(rows)} held-out scores")
    return 0


def _staged_and_meshes(folder: Path) -> list[str]:
    """What the run's own log says it drew from beyond what every run has (the cache may have changed since)."""
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = []
    staged = max((e["bank"].get("staged", 0) for e in events if "bank" in e), default=0)
    if staged:
        lines.append(
            f"SIXray: {staged} staged scans of two bags with guns and knives, outlines traced for this project, and their cut-outs "
            "(academic use only)"
        )
    if any(e.get("event") == "patches" for e in events):
        lines.append("renders of meshes under CC BY 3.0 and CC0 (training/ATTRIBUTION.md)")
    return lines


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
