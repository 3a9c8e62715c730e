"""Write a model's card, `<name>.md` beside its manifest."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lanescope.card import model_card


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("manifest", type=Path, nargs="*", help="manifests (default: all in resources/models)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a card is not what its manifest says")


def run(args: argparse.Namespace) -> int:
    folder = Path(__file__).resolve().parents[3] / "resources" / "models"
    files = args.manifest or sorted(f for f in folder.glob("*.json") if "sha256" in json.loads(f.read_text(encoding="utf-8")))
    if not files:
        print(f"model-card: no manifest in {folder}", file=sys.stderr)
        return 1
    stale = 0
    for file in files:
        try:
            card = model_card(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, KeyError, ValueError) as error:
            print(f"model-card: {file}: {error!r}", file=sys.stderr)
            return 1
        target = file.with_suffix(".md")
        if args.check:
            if not target.exists() or target.read_text(encoding="utf-8") != card:
                print(f"model-card: {target} is not what {file.name} says", file=sys.stderr)
                stale += 1
        else:
            target.write_text(card, encoding="utf-8")
            print(target)
    return 1 if stale else 0
