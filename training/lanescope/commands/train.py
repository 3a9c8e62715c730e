"""Train CHR on projected and real scans; continues from its last checkpoint."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and log.jsonl; run again to continue")
    parser.add_argument("--minutes", type=float, default=80, help="time budget (default 80)")
    parser.add_argument("--steps", type=int, help="a fixed number of steps instead of a time budget")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--variant", default="CHR", help="base, H, HR, CH, CHR or released")
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=0, help="iterations of refinement (0: the paper's approximation, in one pass)")
    parser.add_argument("--feedback", default="deeper", choices=["deeper", "prediction"], help="what refines: prediction is Eqs. 2-5's y")
    parser.add_argument("--fusion", default="logits", choices=["logits", "probabilities"], help="what is averaged over the levels")
    parser.add_argument("--pooling", default="lse", choices=["average", "lse"], help="average is the paper's")
    parser.add_argument("--supervision", default="masks", choices=["masks", "labels"], help="labels is the paper's")
    parser.add_argument("--refine", nargs="+", default=["own"], metavar="W", help="own (the paper), bounded, or widths, finest first")
    parser.add_argument("--kernel", default="full", choices=["full", "separable"], help="the refinement's 3x3 (default full, the paper's)")
    parser.add_argument("--balance", help="which negatives count: none, hierarchical, shifted, independent (default: the variant's)")
    parser.add_argument("--balance-from", type=float, default=0.0, help="share of the run before which no negative is dropped")
    parser.add_argument("--masks-from", type=float, default=0.0, help="share of the run before which maps are not held to masks")
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--early-size", type=int, default=0, help="smaller scans for the first 45 %% of the run (0: never)")
    parser.add_argument("--batch", type=int, default=16, help="scans a step and process")
    parser.add_argument("--hard-at", type=float, default=0.6, help="share of the run from which on threats are as small as they get")
    parser.add_argument("--ema", type=float, default=0.997, help="decay of the averaged weights; .99 for runs of under a thousand steps")
    parser.add_argument("--validate-every", type=float, default=300, help="seconds")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--epsilon", type=float, default=0.1, help="negatives predicted below this are easy (default 0.1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: torch's default)")
    parser.add_argument("--random-start", action="store_true", help="no pretrained backbone")
    parser.add_argument("--from-onnx", type=Path, metavar="FILE", help="start from an exported network (its manifest beside it)")
    parser.add_argument("--frozen", type=int, default=0, help="backbone stages, finest first, that stay as the start left them")
    parser.add_argument("--fp32", action="store_true", help="no bf16, even where it would be faster")
    parser.add_argument("--data", type=Path, default=None, help="real scans (default: ../shared/data beside the checkout)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--validation-pairs", type=int, default=200)
    parser.add_argument("--validation-real", type=int, default=160)


def run(args: argparse.Namespace) -> int:
    import numpy as np
    import torch

    from lanescope import pretrained
    from lanescope.data.bank import load_bank
    from lanescope.data.batches import Recipe, make_samples
    from lanescope.data.simulated import add_backgrounds
    from lanescope.data.splits import SHARED
    from lanescope.loss import LossConfig
    from lanescope.network import Chr, NetworkConfig
    from lanescope.preprocess import normalise
    from lanescope.train import CHECKPOINT, TrainConfig, train
    from lanescope.validate import validation_samples

    if args.threads:
        torch.set_num_threads(args.threads)
    network = NetworkConfig(
        args.backbone,
        args.variant,
        args.levels,
        args.pooling,
        args.rounds,
        refine=_widths(args.refine),
        kernel=args.kernel,
        feedback=args.feedback,
        fusion=args.fusion,
    )
    if args.from_onnx:
        start = _provenance(args.from_onnx)
    elif args.backbone == "mobilenet_v2" and not args.random_start:
        start = pretrained.PROVENANCE
    else:
        start = "random"
    config = TrainConfig(
        network=network,
        loss=LossConfig(
            balance=args.balance or network.balances,
            epsilon=args.epsilon,
            mask_weight=1.0 if args.supervision == "masks" else 0.0,
            balance_from=args.balance_from,
            masks_from=args.masks_from,
        ),
        recipe=Recipe(size=args.size, batch=args.batch, early_size=args.early_size, hard_at=args.hard_at),
        validate_every=args.validate_every,
        ema=args.ema,
        minutes=args.minutes,
        steps=args.steps,
        seed=args.seed,
        rate=args.rate,
        frozen=args.frozen,
        bf16=not args.fp32,
        start=start,
    )
    root = args.data or SHARED
    bank = load_bank("train", args.cache, root)
    add_backgrounds(bank, args.cache)
    first = int(os.environ.get("RANK", 0)) == 0
    validation = (
        []
        if not first
        else validation_samples(load_bank("validation", args.cache, root), args.size, args.validation_pairs, args.validation_real)
    )

    def prepare(fresh: Chr) -> None:
        samples = [s for step in range(3) for s in make_samples(bank, config.recipe, args.seed, 10_000_000 + step, 0.5)]
        scans = torch.from_numpy(normalise(np.stack([s.pixels for s in samples]), config.mean, config.std))
        if args.from_onnx:
            if new := pretrained.start_from(fresh, pretrained.layers_from_onnx(args.from_onnx), scans):
                print(f"{args.from_onnx.name} does not fit {', '.join(new)}: these start fresh", flush=True)
        else:
            pretrained.start_from(fresh.backbone, torch.load(pretrained.fetch(args.cache / "start")), scans)

    train(
        config,
        bank,
        validation,
        args.out,
        prepare=None if start == "random" else prepare,
        rendered=args.cache / "patches",
        log=lambda line: print(json.dumps(line), flush=True),
    )
    print(args.out / CHECKPOINT)
    return 0


def _widths(words: list[str]) -> str | tuple[int, ...]:
    return tuple(int(word) for word in words) if words[0].isdigit() else words[0]


def _provenance(file: Path) -> str:
    """Where an exported network came from, for the next one's manifest."""
    manifest = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    made = manifest["provenance"]
    return (
        f"the weights of {manifest['name']} {manifest['version']} (SHA-256 {manifest['sha256'][:16]}, {made['scans']:,} scans in "
        f"{made['minutes']:g} minutes), which had started from {made['start']}"
    )
