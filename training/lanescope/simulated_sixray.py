"""Simulated SIXray in memory-mapped arrays: positives and negatives from one stream of bags, made once and shared by every variant.

A folder holds four parts: train and test, positive and negative. A part can grow while others are read (its `done` counts what is
written), and stopping in the middle loses at most one chunk. Train and test bags hold different objects (library seeds).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lanescope.patch import CLASSES
from lanescope.preprocess import pad

PARTS = {"train-positive": (11, 0, 1.0), "train-negative": (12, 0, 0.0), "test-positive": (13, 1, 1.0), "test-negative": (14, 1, 0.0)}
"""Stream seed, library seed and prevalence a part. Negatives are bags from the same stream, only without a threat."""
CHUNK = 200
MASK_STRIDE = 4


@dataclass
class Part:
    """What is written of one part; N scans of S pixels."""

    scans: np.ndarray
    """uint8 [N, S, S, 3], memory-mapped."""
    labels: np.ndarray
    """int8 [N, 5], 1 / 0."""
    masks: np.ndarray
    """uint8 [N, S / 4, S / 4]: 0, or 1 + the class index of a threat that touches the cell; empty for negatives."""
    boxes: list[list[tuple[str, float, float, float, float]]]
    """(class, x0, y0, x1, y1) in fractions of the square, for each scan; empty for negatives."""

    def __len__(self) -> int:
        return len(self.scans)


def open_part(folder: Path, part: str, size: int) -> Part:
    """What there is of a part at this moment."""
    state = _state(folder, part)
    n = state.get("done", 0)
    if n == 0:
        raise FileNotFoundError(f"{folder / part}: nothing simulated yet")
    scans = np.memmap(folder / f"{part}.u8", np.uint8, "r", shape=(state["room"], size, size, 3))[:n]
    cells = size // MASK_STRIDE
    labels = np.fromfile(folder / f"{part}.labels", np.int8).reshape(-1, len(CLASSES))[:n]
    masks = (
        np.fromfile(folder / f"{part}.masks", np.uint8).reshape(-1, cells, cells)[:n]
        if "positive" in part
        else np.zeros((0, cells, cells), np.uint8)
    )
    boxes = [[tuple(b) for b in json.loads(line)] for line in _lines(folder / f"{part}.boxes", n)]
    return Part(scans, labels, masks, boxes)


def fill_part(folder: Path, part: str, count: int, size: int, log: Callable[[str], None] = print, room: int | None = None) -> None:
    """Simulate until a part holds `count` scans; continues where an earlier call stopped. room: how many it may grow to (default: count).

    Raises:
        ValueError: the part was begun with room for fewer scans, or by another version of the simulator.
    """
    from lanescope.simulator.stream import stream

    folder.mkdir(parents=True, exist_ok=True)
    state = _state(folder, part) or {"done": 0, "next": 0, "room": max(count, room or 0)}
    if state["room"] < count:
        raise ValueError(f"{folder / part} has room for {state['room']} scans, not {count}: delete it to make it anew")
    if state["done"] >= count:
        return
    _same_simulator(folder)
    seed, library, prevalence = PARTS[part]
    cells = size // MASK_STRIDE
    mode: Literal["r+", "w+"] = "r+" if (folder / f"{part}.u8").exists() else "w+"
    scans = np.memmap(folder / f"{part}.u8", np.uint8, mode, shape=(state["room"], size, size, 3))
    source = stream(seed, prevalence, size, library_seed=library, cache=folder.parent / "simulator", start=state["next"])
    while state["done"] < count:
        labels: list[list[int]] = []
        masks: list[np.ndarray] = []
        boxes: list[list[tuple[str, float, float, float, float]]] = []
        at = state["done"]
        while len(labels) < CHUNK and at + len(labels) < count:
            scan = next(source)
            state["next"] += 1
            if bool(prevalence) != scan.positive:
                continue  # in a bag too full for it the threat found no place: neither kind
            square, (left, top) = pad(scan.image, size)
            scans[at + len(labels)] = square
            full = np.zeros((size, size), np.uint8)
            full[top : top + scan.mask.shape[0], left : left + scan.mask.shape[1]] = scan.mask
            masks.append(full.reshape(cells, MASK_STRIDE, cells, MASK_STRIDE).max(axis=(1, 3)))
            labels.append([scan.labels[c] for c in CLASSES])
            offset = np.array([left, top, left, top])
            boxes.append([(b[0], *((np.array(b[1:]) + offset) / size).round(5).tolist()) for b in scan.boxes])
        scans.flush()
        _append(folder / f"{part}.labels", np.array(labels, np.int8).tobytes(), at * len(CLASSES))
        if prevalence:
            _append(folder / f"{part}.masks", np.array(masks, np.uint8).tobytes(), at * cells * cells)
            lines = [*_lines(folder / f"{part}.boxes", at), *(json.dumps(b) for b in boxes)]
            (folder / f"{part}.boxes").write_text("\n".join(lines) + "\n")
        state["done"] = at + len(labels)
        partial = folder / f"{part}.json.part"
        partial.write_text(json.dumps(state))
        partial.replace(folder / f"{part}.json")
        if state["done"] % 5000 < CHUNK:
            log(f"{part}: {state['done']:,} of {count:,}")


def _same_simulator(folder: Path) -> None:
    """Positives by one version and negatives by another would differ in more than their threats: any model would look good."""
    import lanescope.simulator as simulator

    files = sorted(Path(simulator.__file__).parent.glob("*.py"))
    version = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
    kept = folder / "simulator"
    if not kept.exists():
        kept.write_text(version)
    elif kept.read_text() != version:
        raise ValueError(f"{folder} was begun by another version of the simulator ({kept.read_text()}, now {version}): delete it")


def _state(folder: Path, part: str) -> dict:
    file = folder / f"{part}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def _append(file: Path, data: bytes, offset: int) -> None:
    """Write at an offset: a chunk that was half written before a stop is written over."""
    with open(file, "r+b" if file.exists() else "w+b") as out:
        out.seek(offset)
        out.write(data)


def _lines(file: Path, count: int) -> list[str]:
    return file.read_text().splitlines()[:count] if file.exists() else []
