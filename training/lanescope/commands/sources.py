"""Say what each real source holds by split and class, and every disagreement that its reader counted."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=None, help="real scans (default: ../shared/data beside the checkout)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    from lanescope.data.bags import annotated_scans
    from lanescope.data.splits import SHARED
    from lanescope.patch import CLASSES

    problems: Counter[str] = Counter()
    table: dict[str, Counter[str]] = {}
    for scan in annotated_scans(args.data or SHARED, problems):
        row = table.setdefault(f"{scan.source} {scan.split}", Counter())
        row["scans"] += 1
        for c, name in enumerate(CLASSES):
            row[name] += scan.labels[c] == 1
            row[f"{name} boxed"] += any(label == name for label, _ in scan.boxes)
            row[f"{name} unknown"] += scan.labels[c] == -1
    if args.json:
        print(json.dumps({"sources": table, "problems": problems}))
        return 0
    for name, row in sorted(table.items()):
        print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in row.items() if count))
    for problem, count in sorted(problems.items()):
        if count:
            print(f"{count} × {problem}")
    return 0
