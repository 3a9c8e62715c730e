"""Average precision and pointing accuracy of a model on labelled scans, or of scores that the app saved: one table like the paper's."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np

from lanescope.metrics import DEFAULT_PROTOCOL, DEFAULT_REPLICATES, PROTOCOLS, classification_table, in_any_box, pointing_table
from lanescope.patch import CLASSES

CHUNK = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=Path, help="CSV that `npx lanescope evaluate --save-scores` wrote; then no model is run")
    parser.add_argument("--model", type=Path, help="ONNX file with its manifest beside it")
    parser.add_argument("--images", type=Path, help="folder of scans (JPEGImage)")
    parser.add_argument("--labels", type=Path, help="list with name,Gun,Knife,Wrench,Pliers,Scissors")
    parser.add_argument("--annotations", type=Path, help="folder of VOC annotations, for pointing accuracy")
    parser.add_argument("--protocol", choices=PROTOCOLS, default=DEFAULT_PROTOCOL, help="which VOC average precision (default: the area)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    unscored: list[dict[str, str]] = []
    try:
        if args.scores:
            z, labels, hits, groups = read_scores(args.scores)
        elif args.model and args.images and args.labels:
            z, labels, hits, groups, unscored = score(args)
        else:
            print("evaluate: either --scores, or --model with --images and --labels", file=sys.stderr)
            return 64
    except (OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    tables = {"averagePrecision": classification_table(z, labels, groups, CLASSES, protocol=args.protocol, seed=args.seed)}
    if (hits >= 0).any():
        tables["pointing"] = pointing_table(hits, groups, CLASSES, seed=args.seed)
    for one in unscored:
        print(f"{one['name']} could not be scored: {one['reason']}", file=sys.stderr)
    if args.json:
        figures = {name: {k: e.as_dict() for k, e in table.items()} for name, table in tables.items()}
        head = {"protocol": args.protocol, "replicates": DEFAULT_REPLICATES, "seed": args.seed, "scans": len(z)}
        print(json.dumps({**head, "pointing": None, **figures, "unscored": unscored}))
    else:
        print(f"{'':10}{'AP':>26}{'positive':>10}{'negative':>10}{'pointing':>26}{'hits':>10}")
        for name, e in tables["averagePrecision"].items():
            aim = tables.get("pointing", {}).get(name)
            hit = f"{aim.positives}/{aim.positives + aim.negatives}" if aim else ""
            print(f"{name:10}{e!s:>26}{e.positives:>10}{e.negatives:>10}{str(aim) if aim else '':>26}{hit:>10}")
    return 2 if unscored else 0


def read_scores(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """z float64 [N, 5], labels and hits int [N, 5] (1 / 0 / -1), groups; raises ValueError where a column is missing."""
    with open(file, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    wanted = ["group", *CLASSES, *(f"z_{c}" for c in CLASSES), *(f"hit_{c}" for c in CLASSES)]
    if not rows or any(w not in rows[0] for w in wanted):
        raise ValueError(f"{file}: no scores as `npx lanescope evaluate --save-scores` writes them")

    def block(prefix: str, kind: type) -> np.ndarray:
        return np.array([[kind(r[f"{prefix}{c}"]) for c in CLASSES] for r in rows])

    return block("z_", float), block("", int), block("hit_", int), [r["group"] for r in rows]


def score(args: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str], list[dict[str, str]]]:
    """Run the model over the listed scans that are in the folder, pointing by the app's fused peak."""
    from lanescope.preprocess import decode, prepare
    from lanescope.scoring import Model
    from lanescope.sixray import read_boxes, read_list

    model = Model(args.model, threads=args.threads)
    listed = read_list(args.labels)
    row = {name: i for i, name in enumerate(listed.names.tolist())}
    files = {f.stem: f for f in sorted(args.images.iterdir()) if f.stem in row}
    if not files:
        raise ValueError(f"none of the {len(listed)} listed scans is in {args.images}")
    unscored, hits, groups = [], [], []
    z = np.zeros((0, len(CLASSES)))
    names = [n for n in listed.names.tolist() if n in files]
    for first in range(0, len(names), CHUNK):
        made = []
        for name in names[first : first + CHUNK]:
            try:
                made.append((name, prepare(decode(files[name]), model.size)))
            except (OSError, ValueError) as error:
                unscored.append({"name": name, "reason": str(error)})
        scores = model.score(np.stack([m.pixels for _, m in made])) if made else None
        for i, (name, one) in enumerate(made):
            hit = [-1] * len(CLASSES)
            annotation = args.annotations / f"{name}.xml" if args.annotations else None
            if annotation is not None and annotation.exists():
                boxes, (width, height) = read_boxes(annotation)
                for c, label in enumerate(CLASSES):
                    own = [b.edges for b in boxes if b.label == label]
                    if own and scores is not None:
                        x, y = one.to_original(*map(float, scores.peaks[i, c]))
                        hit[c] = int(in_any_box(x * width, y * height, own))
            hits.append(hit)
            groups.append(name)
        z = z if scores is None else np.concatenate([z, scores.fused])
    if not len(z):
        raise ValueError("no scan could be scored")
    return z, listed.labels[[row[g] for g in groups]], np.array(hits), groups, unscored
