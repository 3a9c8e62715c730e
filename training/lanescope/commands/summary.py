"""Print how many scans of each class a SIXray data set's lists hold (the paper's Table 1)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lanescope.sixray import PAPER_TABLE_1, LayoutError, SIXray, counts, merge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, help="folder with ImageSet (and JPEGImage, Annotation)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    try:
        lists = SIXray(args.root).lists()
        table = {name: counts(images) for name, images in lists.items()}
        table["all lists"] = counts(merge(lists.values()))
    except (LayoutError, OSError) as error:
        print(f"summary: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(table))
        return 0
    columns = list(table["all lists"])
    width = max(map(len, [*table, "paper, Table 1"]))
    print(" " * width, *(f"{c:>9}" for c in columns))
    for name, row in table.items():
        print(f"{name:{width}}", *(f"{row[c]:>9,}" for c in columns))
    paper = [f"{PAPER_TABLE_1[c]:,}" if c in PAPER_TABLE_1 else "" for c in columns]
    print(f"{'paper, Table 1':{width}}", *(f"{p:>9}" for p in paper))
    return 0
