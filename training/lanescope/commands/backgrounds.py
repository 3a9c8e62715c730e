"""`backgrounds`: simulate benign bags that training projects threats into."""

from __future__ import annotations

import argparse
from pathlib import Path

from lanescope.data.simulated import SEEDS, make_backgrounds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", choices=sorted(SEEDS), default="train")
    parser.add_argument("--count", type=int, default=300, help="bags (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="folder of cached arrays (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    print(make_backgrounds(args.split, args.count, args.cache))
    return 0
