"""Average precision and pointing accuracy of a model on labelled scans, or of scores that the app saved: one table like the paper's."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lanescope.label_folder import Annotations, file_of, list_annotations, list_images
from lanescope.labels import Box, Listed, read_rows
from lanescope.measure.estimates import Estimate, classification_table, pointing_table
from lanescope.measure.labels import UNKNOWN
from lanescope.measure.pointing import cell_peaks, hit, peak_over_scales, resize_map
from lanescope.measure.ranking import DEFAULT_PROTOCOL, PROTOCOLS
from lanescope.measure.resampling import DEFAULT_REPLICATES
from lanescope.patch import CLASSES
from lanescope.preprocess import Prepared


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


@dataclass
class Scored:
    """What is measured: N scans, C classes."""

    z: np.ndarray
    """float64 [N, C], fused logits."""
    labels: np.ndarray
    """int [N, C], 1 / 0 / -1."""
    hits: dict[str, np.ndarray]
    """By way of pointing (`POINTING`), int [N, C]: 1 in a box of the class, 0 in none, -1 where there is no box."""
    groups: list[str]


POINTING = {"pointing": "the app's peak", "pointingOverScales": "the paper's, 5.3"}
"""The fused map's largest cell, which the app shows; the maximum over the levels' maps at the scan's own size."""
_COLUMN = {"pointing": "hit_", "pointingOverScales": "hit_over_scales_"}


def run(args: argparse.Namespace) -> int:
    unscored: list[dict[str, str]] = []
    annotations: Annotations | None = None
    try:
        if args.scores:
            found = read_scores(args.scores)
        elif args.model and args.images and args.labels:
            found, unscored, annotations = score(args)
        else:
            print("evaluate: either --scores, or --model with --images and --labels", file=sys.stderr)
            return 64
        ap = classification_table(found.z, found.labels, found.groups, CLASSES, protocol=args.protocol, seed=args.seed)
        aims = {
            name: pointing_table(hits, found.groups, CLASSES, seed=args.seed)
            for name, hits in found.hits.items()
            if (hits != UNKNOWN).any()
        }
    except (OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    for one in unscored:
        print(f"{one['name']} could not be scored: {one['reason']}", file=sys.stderr)
    if annotations:
        tell(annotations)
    if args.json:
        figures = {name: {k: e.as_dict() for k, e in table.items()} for name, table in {"averagePrecision": ap, **aims}.items()}
        head = {"protocol": args.protocol, "replicates": DEFAULT_REPLICATES, "seed": args.seed, "scans": len(found.z)}
        report = annotations.report() if annotations else None
        print(json.dumps({**head, **dict.fromkeys(POINTING), **figures, "unscored": unscored, "annotations": report}))
    else:
        print_tables(ap, aims)
    return 2 if unscored or (annotations and annotations.refused) else 0


def tell(annotations: Annotations) -> None:
    """Everything of the annotations that is left out, by name, on stderr."""
    told = (
        (annotations.refused, "has no annotation that can be used"),
        (annotations.bad_boxes, "has a box that is left out"),
        (annotations.disagreeing, "is labelled in two ways"),
    )
    for items, what in told:
        for one in items:
            print(f"{one['name']} {what}: {one['reason']}", file=sys.stderr)
    others = ", ".join(f"{name} {count}" for name, count in annotations.others.items()) or "none"
    print(
        f"{annotations.read} annotations were read; {annotations.missing} scans that hold something have none; "
        f"objects of other classes: {others}",
        file=sys.stderr,
    )


def print_tables(ap: dict[str, Estimate], aims: dict[str, dict[str, Estimate]]) -> None:
    """A table like the paper's, then pointing accuracy by each way of pointing, named."""
    print(f"{'':10}{'AP':>26}{'positive':>10}{'negative':>10}")
    for name, e in ap.items():
        print(f"{name:10}{e!s:>26}{e.positives:>10}{e.negatives:>10}")
    if aims:
        print(f"\n{'pointing':10}" + "".join(f"{POINTING[way]:>26}{'hits':>10}" for way in aims))
        for name in ap:
            cells = [f"{e!s:>26}{f'{e.positives}/{e.positives + e.negatives}':>10}" for e in (aim[name] for aim in aims.values())]
            print(f"{name:10}" + "".join(cells))


def read_scores(file: Path) -> Scored:
    """Scores as the app saves them: labels and hits are 1 / 0 / -1; the paper's way of pointing is there where the app wrote it.

    Raises:
        ValueError: a column is missing, or a value is no number or label.
    """
    with open(file, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    wanted = ["group", *CLASSES, *(f"z_{c}" for c in CLASSES), *(f"hit_{c}" for c in CLASSES)]
    if not rows or any(w not in rows[0] for w in wanted):
        raise ValueError(f"{file}: no scores as `npx lanescope evaluate --save-scores` writes them")

    def block(prefix: str, kind: type) -> np.ndarray:
        return np.array([[kind(r[f"{prefix}{c}"]) for c in CLASSES] for r in rows])

    hits = {name: block(prefix, int) for name, prefix in _COLUMN.items() if f"{prefix}{CLASSES[0]}" in rows[0]}
    return Scored(block("z_", float), block("", int), hits, [r["group"] for r in rows])


def score(args: argparse.Namespace) -> tuple[Scored, list[dict[str, str]], Annotations | None]:
    """Run the model over the listed scans that are in the folder; which of them it could not score, and what became of the annotations."""
    from lanescope.preprocess import decode, prepare
    from lanescope.scoring import Model, fuse

    model = Model(args.model, threads=args.threads)
    listed, images = read_rows(args.labels), list_images(args.images)
    annotations = Annotations(list_annotations(args.annotations)) if args.annotations else None
    unscored: list[dict[str, str]] = []
    z: list[np.ndarray] = []
    hits: dict[str, list[list[int]]] = {name: [] for name in POINTING}
    rows: list[Listed] = []
    for row in listed:
        try:
            file = file_of(row, images)
            if file is None:
                continue
            looks = prepare(decode(file), model.size)
        except (OSError, ValueError) as error:
            unscored.append({"name": row.name, "reason": str(error)})
            continue
        logits, cams = model.run(np.stack([look.pixels for look in looks]))
        fused = fuse(logits, model.fusion)
        z.append(fused.max(axis=0))
        rows.append(row)
        boxes = annotations.boxes(row, file, looks[0].original) if annotations else []
        # A class is judged, and points, by the look in which it scores highest.
        best = fused.argmax(axis=0)
        by_look = {k: point(looks[k], [cam[k] for cam in cams], model.fusion, boxes, (1, 1)) for k in set(best.tolist())}
        for way, listed_hits in hits.items():
            listed_hits.append([by_look[k][way][c] for c, k in enumerate(best.tolist())])
    if not z and not unscored:
        raise ValueError(f"none of the {len(listed)} listed scans is in {args.images}")
    if not z:
        raise ValueError("no scan could be scored")
    labels, groups = np.array([row.labels for row in rows]), [row.group for row in rows]
    return Scored(np.stack(z), labels, {way: np.array(found) for way, found in hits.items()}, groups), unscored, annotations


def point(scan: Prepared, cams: list[np.ndarray], fusion: str, boxes: list[Box], size: tuple[int, int]) -> dict[str, list[int]]:
    """Whether each class's peak hits, by each way of pointing.

    scan: as it went in; cams: a map [C, h_l, w_l] a level; boxes: in pixels of an image of `size` (width, height), which need not be the
    size that arrived.
    """
    from lanescope.scoring import fuse

    side = scan.pixels.shape[0]
    fine = cams[0].shape[1:]
    fused = cell_peaks(fuse(np.stack([resize_map(cam, *fine) for cam in cams])[None], fusion)[0])
    x0, y0, x1, y1 = scan.look.box  # what the network saw of the scan, in its own pixels
    left, top = scan.offset
    window = (left / side, top / side, (left + scan.size[0]) / side, (top + scan.size[1]) / side)
    found: dict[str, list[int]] = {name: [] for name in POINTING}
    for c, label in enumerate(CLASSES):
        own = [b.edges for b in boxes if b.label == label]
        if own:
            x, y = scan.to_original(*map(float, fused[c]))
            u, v = peak_over_scales([cam[c] for cam in cams], y1 - y0, x1 - x0, window)
            over = ((x0 + u * (x1 - x0)) / scan.original[0], (y0 + v * (y1 - y0)) / scan.original[1])
            found["pointing"].append(hit(x * size[0], y * size[1], own))
            found["pointingOverScales"].append(hit(over[0] * size[0], over[1] * size[1], own))
        else:
            for hits in found.values():
                hits.append(UNKNOWN)
    return found
