"""Put models that were measured by `evaluate-real --json` side by side in docs/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("columns", nargs="+", metavar="NAME=FILE", help="a column's name and its JSON file, in order")
    parser.add_argument("--head", default="", help="a paragraph above the table: what the models share")
    parser.add_argument("--report", type=Path, default=REPOSITORY / "docs" / "RESULTS.md")
    parser.add_argument("--section", default="comparison")


def run(args: argparse.Namespace) -> int:
    from lanescope.report import replace_section

    columns = {}
    for column in args.columns:
        name, _, file = column.rpartition("=")
        columns[name] = {f["key"]: f for f in json.loads(Path(file).read_text(encoding="utf-8"))["figures"]}
    replace_section(args.report, args.section, f"{args.head}\n\n{side_by_side(columns)}".strip())
    return 0


def side_by_side(columns: dict[str, dict[str, dict]]) -> str:
    """A row a figure that every column has, with intervals; column name -> key -> manifest figure."""
    from lanescope.report import table

    first = next(iter(columns.values()))
    rows = []
    for key, figure in first.items():
        if all(key in found for found in columns.values()):
            # "12/34" counts one model's hits: the columns share the 34 alone
            n = figure["n"].rpartition("/")[2] if re.fullmatch(r"\d+/\d+", figure["n"]) else figure["n"]
            rows.append([figure["what"], *(_text(found[key]) for found in columns.values()), n])
    return table(["what", *columns, "n"], rows)


def _text(figure: dict) -> str:
    low, high = figure["interval"]
    return f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]"
