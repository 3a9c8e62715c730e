"""Fetch the pretrained MobileNetV2 start (npm @mediapipe/objectron, Apache-2.0)."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path(".cache/start"), help="where to put it (default: .cache/start)")


def run(args: argparse.Namespace) -> int:
    from lanescope.pretrained import fetch

    print(fetch(args.out))
    return 0
