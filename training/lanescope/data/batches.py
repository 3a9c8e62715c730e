"""Batches: composites with their twins, real boxed and staged scans with their erased twins; each reproducible from (seed, step)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lanescope.data.bag_samples import bag_pair, whole_bag
from lanescope.data.bags import RealBag
from lanescope.data.bank import Background, Bank
from lanescope.data.compose import Difficulty, Sample, compose, real_sample
from lanescope.data.scans import smooth_away
from lanescope.data.staged import staged_pair
from lanescope.patch import CLASSES, DISTRACTOR
from lanescope.preprocess import normalise

LEAST_BOXED = 8
"""Boxed bags that a class needs before it is drawn for pairs of its own."""
OPIXRAY_KNOWN = ("knife", "scissors")
"""Classes whose absence OPIXray's labels vouch for."""


@dataclass
class Batch:
    """Tensors of one step."""

    scans: Tensor
    """float32 [N, 3, S, S]."""
    labels: Tensor
    """int64 [N, 5], 1 / 0 / -1."""
    masks: Tensor
    """float32 [N, 5, S/4, S/4]."""
    samples: list[Sample]


@dataclass(frozen=True)
class Recipe:
    """What a batch is made of."""

    size: int = 320
    early_size: int = 0
    """Size while progress is below `early_until`: a half-size scan costs a quarter (0: always `size`)."""
    early_until: float = 0.45
    batch: int = 16
    """Scans a step and process."""
    real_share: float = 0.125
    """Share of OPIXray's scans (with their erased twins)."""
    bags_share: float = 0.375
    """Share of the boxed bags of SIXray and iFLYTEK (with their erased twins), a class as often as another."""
    whole_share: float = 0.125
    """Share of bags as they are: benign ones, and now and then one whose label alone is known."""
    staged_share: float = 0.125
    """Share of SIXray's staged training bags (with their erased twins)."""
    overlap: float = 0.15
    """Share of composites with a second bag laid over."""
    second_threat: float = 0.15
    hard_at: float = 0.6
    """Share of the training after which difficulty stops growing."""


def composite_pair(
    bank: Bank,
    recipe: Recipe,
    difficulty: Difficulty,
    rng: np.random.Generator,
    background: Background | None = None,
    wanted: list[str] | None = None,
) -> tuple[Sample, Sample]:
    """One composite with a threat of a uniformly drawn class, and its twin.

    Args:
        background: a random one of the bank when None.
        wanted: the threats' classes; drawn when None.
    """
    ground = background or bank.background(rng)
    if wanted is None:
        wanted = [CLASSES[int(rng.integers(len(CLASSES)))]]
        if rng.random() < recipe.second_threat:
            wanted.append(CLASSES[int(rng.integers(len(CLASSES)))])
    threats = [bank.draw(label, rng) for label in wanted]
    distractors = [bank.draw(DISTRACTOR, rng) for _ in range(int(rng.integers(0, difficulty.distractors + 1)))]
    second = bank.background(rng) if rng.random() < recipe.overlap else None
    pair = compose(
        ground.pixels, threats, distractors, None if second is None else second.pixels, recipe.size, difficulty, rng, ground.group
    )
    unknown = {*ground.unknown, *(second.unknown if second else ())}
    for sample in pair:
        for label in unknown:
            c = CLASSES.index(label)
            # Where the projected threat lies is known; elsewhere another may lie that nobody boxed.
            sample.masks[c] = np.where(sample.masks[c] > 0, sample.masks[c], -1)
            if sample.labels[c] == 0:
                sample.labels[c] = -1
    return pair


def real_pair(bank: Bank, recipe: Recipe, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """A boxed scan with a random box of the same size smoothed away, and the same scan with its blade smoothed away."""
    # Scissors are four times rarer than knives: meet them as often.
    label = OPIXRAY_KNOWN[int(rng.integers(2))]
    for _ in range(40):
        scan = bank.boxed[int(rng.integers(len(bank.boxed)))]
        if scan.label == label:
            break
    assert scan.box is not None
    h, w = scan.pixels.shape[:2]
    bw, bh = scan.box[2] - scan.box[0], scan.box[3] - scan.box[1]
    elsewhere = scan.pixels
    for _ in range(10):
        x, y = rng.uniform(0, max(1, w - bw)), rng.uniform(0, max(1, h - bh))
        box = (x, y, x + bw, y + bh)
        if box[2] < scan.box[0] - 4 or box[0] > scan.box[2] + 4 or box[3] < scan.box[1] - 4 or box[1] > scan.box[3] + 4:
            elsewhere = smooth_away(scan.pixels, box)
            break
    seed = int(rng.integers(2**31))
    whole = partial(real_sample, side=recipe.size, known=OPIXRAY_KNOWN, gentle=False, group=scan.group)
    here = whole(elsewhere, scan.box, scan.label, rng=np.random.default_rng(seed), source="opixray")
    gone = whole(bank.erased(scan), None, None, rng=np.random.default_rng(seed), source="opixray-erased")
    return here, gone


def whole_bags(bank: Bank, side: int, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """Two bags as they are: mostly benign, at times one with a threat of which only the label is known (SIXray's pliers)."""
    found = []
    for _ in range(2):
        share = rng.random()
        if bank.bags and share < 0.25:
            found.append(whole_bag(bank.bags[int(rng.integers(len(bank.bags)))], side, rng))
        else:
            scan = bank.benign[int(rng.integers(len(bank.benign)))]
            nothing, everything = np.zeros(len(CLASSES), np.int8), np.ones(len(CLASSES), bool)
            found.append(whole_bag(RealBag(scan.pixels, [], nothing, everything, "benign", scan.group, scan.name), side, rng))
    return found[0], found[1]


def make_samples(bank: Bank, recipe: Recipe, seed: int, step: int, progress: float) -> list[Sample]:
    """The samples of one step; the same for the same (seed, step, progress) and bank."""
    rng = np.random.default_rng([seed, step])
    difficulty = Difficulty.at(progress / recipe.hard_at)
    if recipe.early_size and progress < recipe.early_until:
        recipe = replace(recipe, size=recipe.early_size)
    pairs = max(1, recipe.batch // 2)
    real = round(pairs * recipe.real_share) if bank.boxed else 0
    staged = round(pairs * recipe.staged_share) if bank.staged else 0
    boxed = [label for label in CLASSES if len(bank.boxed_bags(label)) >= LEAST_BOXED]
    bags = round(pairs * recipe.bags_share) if boxed else 0
    whole = round(pairs * recipe.whole_share) if bank.benign else 0
    samples: list[Sample] = []
    for index in range(pairs):
        if index >= pairs - bags:
            label = boxed[int(rng.integers(len(boxed)))]
            samples.extend(bag_pair(bank.boxed_bags(label), label, recipe.size, rng))
        elif index >= pairs - bags - whole:
            samples.extend(whole_bags(bank, recipe.size, rng))
        elif index < real:
            samples.extend(real_pair(bank, recipe, rng))
        elif index < real + staged:
            samples.extend(staged_pair(bank.staged, recipe.size, rng))
        else:
            samples.extend(composite_pair(bank, recipe, difficulty, rng))
    return samples


def collate(samples: list[Sample], mean: tuple[float, ...], std: tuple[float, ...]) -> Batch:
    """Samples -> tensors."""
    scans = torch.from_numpy(normalise(np.stack([s.pixels for s in samples]), mean, std))
    labels = torch.from_numpy(np.stack([s.labels for s in samples]).astype(np.int64))
    masks = torch.from_numpy(np.stack([s.masks for s in samples]).astype(np.float32))
    return Batch(scans, labels, masks, samples)


def prefetched(make: Iterator[Batch], ahead: int = 3) -> Iterator[Batch]:
    """Run an iterator in a thread (OpenCV and NumPy release the lock), a few batches ahead; its error is raised here."""
    line: queue.Queue[Batch | BaseException | None] = queue.Queue(ahead)
    stop = threading.Event()

    def work() -> None:
        try:
            for batch in make:
                while not stop.is_set():
                    try:
                        line.put(batch, timeout=0.5)
                        break
                    except queue.Full:
                        continue
                if stop.is_set():
                    return
            line.put(None)
        except BaseException as error:
            line.put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item = line.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
