"""Measure a model on real scans by the protocols that image sources cannot fool, beside trivial cues and the trial's figures."""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import chain
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, required=True, help="ONNX file with its manifest beside it")
    parser.add_argument("--data", type=Path, help="folder with opixray/ and sixray/ (default: shared/data beside the checkout)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--manifest", action="store_true", help="write the figures into the model's manifest")
    parser.add_argument("--report", action="store_true", help="rewrite the real-scan section of docs/RESULTS.md")
    parser.add_argument("--bags-only", action="store_true", help="only the held-out bags of SIXray, iFLYTEK and the benign sources")
    parser.add_argument("--quick", action="store_true", help="a look on a subset; its figures are not for publishing")
    parser.add_argument("--pairs", type=int, default=500, help="composites and twins to make (default: 500)")
    parser.add_argument("--erased", type=int, metavar="N", help="at most N scans a class and set for the erased twins (default: all)")
    parser.add_argument("--threads", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    from lanescope.bag_evaluation import evaluate_bags
    from lanescope.data.splits import SHARED
    from lanescope.frame_evaluation import evaluate_frames
    from lanescope.real_evaluation import evaluate
    from lanescope.report import replace_section
    from lanescope.scoring import REPOSITORY, Model

    if args.quick and (args.manifest or args.report):
        print("evaluate-real: a quick look goes into no manifest and no report", file=sys.stderr)
        return 64
    root = args.data or SHARED
    if not (root / "opixray").is_dir() or not (root / "sixray").is_dir():
        print(f"evaluate-real: no opixray/ and sixray/ under {root}", file=sys.stderr)
        return 1
    try:
        model = Model(args.model, threads=args.threads)
    except (OSError, ValueError, KeyError) as error:
        print(f"evaluate-real: {error}", file=sys.stderr)
        return 1
    started = time.monotonic()
    figures = []
    for figure in chain(evaluate_bags(model, root), evaluate_frames(model, root)):
        print(stated(figure), file=sys.stderr, flush=True)
        figures.append(figure)
    if not args.bags_only:
        figures += evaluate(
            model,
            root,
            quick=args.quick,
            pairs=args.pairs,
            erased=args.erased,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )
    print(markdown(figures))
    print(f"{model.scored} images scored in {time.monotonic() - started:.0f} s; model {model.sha256[:16]}", file=sys.stderr)
    entries = [f.as_manifest() for f in figures if f.value == f.value]
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(
            json.dumps({"model": model.sha256, "quick": args.quick, "figures": entries}, indent=2) + "\n", encoding="utf-8"
        )
    if args.report:
        head = f"Model `{model.manifest['name']}` {model.manifest['version']}, SHA-256 `{model.sha256[:16]}…`."
        replace_section(REPOSITORY / "docs" / "RESULTS.md", "real", f"{head}\n\n{markdown(figures)}")
    if args.manifest:
        file = args.model.with_suffix(".json")
        manifest = json.loads(file.read_text(encoding="utf-8"))
        # figures of other origins (validation at export, say) stay: these are recognised by their keys
        keys = {e["key"] for e in entries}
        manifest["figures"] = [f for f in manifest.get("figures", []) if f.get("key") not in keys] + entries
        file.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def stated(f) -> str:
    return f"{f.what}: {f.value:.3f} [{f.interval[0]:.3f}, {f.interval[1]:.3f}] (n = {f.n})"


def markdown(figures) -> str:
    """A table a person can read."""
    lines = ["| what | value [95 %] | n | trial | chance | best trivial cue |", "|---|---|---|---|---|---|"]
    for f in figures:
        cue = f"{f.cue[0]} {f.cue[1]:.3f}" if f.cue else ""
        chance = "" if f.chance is None else f"{f.chance:g}"
        lines.append(
            f"| {f.what} | {f.value:.3f} [{f.interval[0]:.3f}, {f.interval[1]:.3f}] | {f.n} | {f.trial or ''} | {chance} | {cue} |"
        )
    return "\n".join(lines)
