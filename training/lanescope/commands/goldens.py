"""Write the parity goldens that hold the app's preprocessing and inference to Python's."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, default=Path("resources/models/chr-mobilenetv2-320.onnx"))
    parser.add_argument("--out", type=Path, default=Path("test/fixtures/parity"))


def run(args: argparse.Namespace) -> int:
    from lanescope.goldens import write

    print(write(args.out, args.model))
    return 0
