"""What composites are made of: cleaned backgrounds and patches a split, cached as arrays."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lanescope.data import icons, shapes
from lanescope.data.bag_samples import erased_bag
from lanescope.data.bags import Annotated, RealBag, annotated_scans, cut_into_bags, load_bags
from lanescope.data.cutouts import cut, distractor_cutouts, is_one_thing, threat_cutouts
from lanescope.data.dual_energy import dual_energy_patches
from lanescope.data.scans import CleanScan, in_parallel, load_clean, smooth_away
from lanescope.data.splits import SHARED, TRAIN, opixray_scans
from lanescope.data.staged import StagedScan, cut_outs, load_staged_at
from lanescope.patch import CLASSES, DISTRACTOR, Patch

LONGEST = 400
"""Longest side of cached backgrounds, pixels: a little above the network's input."""
CUT_LONGEST = 800
"""Cut-outs are made finer, since a cut-out may be enlarged."""
EVERYDAY_PER_KIND, THREATS_PER_KIND = 40, 90
_OPIXRAY_CUT = {"train": 500, "validation": 250, "test": 300}


def save_patches(file: Path, patches: list[Patch]) -> None:
    """Write patches as an `.npz` of object arrays (transmission in float16), atomically."""
    transmissions, masks = np.empty(len(patches), object), np.empty(len(patches), object)
    transmissions[:] = [p.transmission.astype(np.float16) for p in patches]
    masks[:] = [p.mask for p in patches]
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.stem + ".part.npz")
    np.savez_compressed(
        temporary,
        transmissions=transmissions,
        masks=masks,
        labels=np.array([p.label for p in patches]),
        sources=np.array([p.source for p in patches]),
    )
    temporary.rename(file)


def load_patches(file: Path) -> list[Patch]:
    """Read what `save_patches` (float16) or the simulator (uint8, 255 = clear) wrote; unknown labels count as distractors."""
    with np.load(file, allow_pickle=True) as stored:
        rows = zip(stored["transmissions"], stored["masks"], stored["labels"].tolist(), stored["sources"].tolist(), strict=True)
        patches = []
        for t, m, label, source in rows:
            transmission = t.astype(np.float32) / (255 if t.dtype == np.uint8 else 1)
            patches.append(
                Patch(np.clip(transmission, 1e-3, 1), np.asarray(m, bool), str(label) if label in CLASSES else DISTRACTOR, str(source))
            )
        return patches


@dataclass(frozen=True)
class Background:
    """What a composite is made on."""

    pixels: np.ndarray
    """uint8 [h, w, 3], cleaned."""
    group: str
    unknown: tuple[str, ...] = ()
    """Classes that may be there without anybody having said so."""


@dataclass
class Bank:
    """One split's ingredients."""

    split: str
    benign: list[CleanScan]
    """Benign scans, usable as they are."""
    boxed: list[CleanScan]
    """OPIXray scans with their blade in place."""
    patches: dict[str, dict[str, list[Patch]]] = field(default_factory=dict)
    """label -> kind of source ("opixray", "sixray", "shape", "icon", "rendered") -> patches."""
    problems: Counter[str] = field(default_factory=Counter)
    """What the readers counted: sources that are missing, boxes and labels that disagree."""
    staged: list[StagedScan] = field(default_factory=list)
    """SIXray's staged training bags with their guns and knives traced."""
    bags: list[RealBag] = field(default_factory=list)
    """SIXray's later positives and iFLYTEK (with or without a threat), and benign crops and belt frames, bag by bag."""
    rendered: set[str] = field(default_factory=set)
    _erased: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    _by_label: dict[str, list[RealBag]] = field(default_factory=dict, repr=False)

    def add(self, patches: list[Patch], kind: str | None = None) -> None:
        """File patches under their label and a kind (by default that of their source)."""
        for patch in patches:
            filed = kind or patch.source.split(":")[0].split("-")[0]
            self.patches.setdefault(patch.label, {}).setdefault(filed, []).append(patch)

    def add_rendered(self, folder: Path) -> int:
        """Add the simulator's patch files that are not in yet; how many patches that were.

        A file's patches are dealt to the splits by their position, so that validation never meets a training render. Where an object
        comes in many poses (meshes), the file's maker gives each position only objects of its split.
        """
        count = 0
        for file in sorted(folder.glob("*.npz")):
            if file.name in self.rendered or ".part" in file.name:
                continue
            self.rendered.add(file.name)
            patches = load_patches(file)
            mine = [shapes.trim(p, 192) for index, p in enumerate(patches) if _deal(index) == self.split and p.mask.any()]
            self.add(mine, "rendered")
            count += len(mine)
        return count

    def draw(self, label: str, rng: np.random.Generator) -> Patch:
        """A random patch of a label: first the kind of source, evenly, then the patch."""
        kinds = self.patches[label]
        names = sorted(kinds)
        chosen = kinds[names[int(rng.integers(len(names)))]]
        return chosen[int(rng.integers(len(chosen)))]

    def background(self, rng: np.random.Generator) -> Background:
        """A cleaned crop to project into: benign (white crops, grey belts, simulated), or of another source with its boxed threats smoothed
        away."""
        share = rng.random()
        if self.bags and share < 0.3:
            bag = self.bags[int(rng.integers(len(self.bags)))]
            return self.emptied(bag)
        scans = self.benign if self.benign and (not self.boxed or share < 0.75) else self.boxed
        scan = scans[int(rng.integers(len(scans)))]
        return Background(self.threat_free(scan), scan.group)

    def emptied(self, bag: RealBag) -> Background:
        """A bag with all its boxed threats smoothed away; a class that the label names but boxes may not have named wholly is unknown."""
        pixels = bag.pixels
        if bag.objects:
            if bag.name not in self._erased:
                for label in {name for name, _ in bag.objects}:
                    pixels = erased_bag(RealBag(pixels, bag.objects, bag.labels, bag.complete, bag.source, bag.group, bag.name), label)
                self._erased[bag.name] = pixels
            pixels = self._erased[bag.name]
        unknown = [name for c, name in enumerate(CLASSES) if bag.labels[c] < 0 or (bag.labels[c] == 1 and not bag.complete[c])]
        return Background(pixels, bag.group, tuple(unknown))

    def boxed_bags(self, label: str) -> list[RealBag]:
        """Bags with a box of a class, of all sources but OPIXray and the staged bags."""
        if label not in self._by_label:
            self._by_label[label] = [bag for bag in self.bags if bag.boxes(label)]
        return self._by_label[label]

    def threat_free(self, scan: CleanScan) -> np.ndarray:
        """Any of the bank's scans without its threat, if it has one."""
        return scan.pixels if scan.box is None else self.erased(scan)

    def erased(self, scan: CleanScan) -> np.ndarray:
        """A boxed scan with its blade smoothed away; made once."""
        assert scan.box is not None
        if scan.name not in self._erased:
            self._erased[scan.name] = smooth_away(scan.pixels, scan.box)
        return self._erased[scan.name]

    def counts(self) -> dict[str, object]:
        """For the log."""
        return {
            "split": self.split,
            "benign": len(self.benign),
            "boxed": len(self.boxed),
            **({"staged": len(self.staged)} if self.staged else {}),
            "bags": dict(Counter(bag.source for bag in self.bags)),
            "bags boxed": {label: len(self.boxed_bags(label)) for label in CLASSES},
            **({"problems": dict(self.problems)} if self.problems else {}),
            "patches": {label: {kind: len(p) for kind, p in kinds.items()} for label, kinds in self.patches.items()},
        }


def _bag_cutouts(split: str, rng: np.random.Generator, root: Path, bags: list[RealBag]) -> list[Patch]:
    """Boxed objects of SIXray and iFLYTEK, and things of benign bags cut in the same way as distractors."""
    listed = [scan for scan in annotated_scans(root) if scan.split == split and scan.boxes]
    patches = [patch for cut_out in in_parallel(_cut_objects, listed) for patch in cut_out]
    benign = [CleanScan(bag.pixels, None, None, bag.group, bag.name) for bag in bags if bag.source in ("benign", "frame")]
    if benign:
        patches += [p for p in distractor_cutouts(benign, rng, len(patches)) if is_one_thing(p)]
    return patches


def _cut_objects(scan: Annotated) -> list[Patch]:
    bags = cut_into_bags(scan, (CUT_LONGEST,))[0]
    found = (cut(bag.pixels, box, label, f"{scan.source}cut:{bag.name}") for bag in bags for label, box in bag.objects)
    return [shapes.trim(patch, 256) for patch in found if patch is not None and is_one_thing(patch)]


def _deal(index: int) -> str:
    return {0: "validation", 1: "test"}.get(index % 6, TRAIN)


def load_bank(split: str, cache: Path, root: Path = SHARED) -> Bank:
    """Build (or read from the cache) one split's bank.

    Args:
        split: "train", "validation" or "test".
        cache: folder for arrays; `cache/patches/*.npz` are the simulator's renders.
        root: the real scans; where they are missing the bank has shapes and icons alone.
    """
    problems: Counter[str] = Counter()
    bags = load_bags(split, LONGEST, cache, root, problems)
    benign = [CleanScan(b.pixels, None, None, b.group, b.name, b.statistics) for b in bags if b.source in ("benign", "frame")]
    listed = [s for s in opixray_scans(root) if s.split == split]
    boxed = load_clean(listed, LONGEST, cache, f"opixray-{split}")
    bank = Bank(split, benign, boxed, bags=[b for b in bags if b.source in ("sixray", "iflytek")], problems=problems)
    made = cache / f"patches-{split}.npz"
    if not made.exists():
        rng = np.random.default_rng({"train": 11, "validation": 12, "test": 13}[split])
        # Evenly over the listing, scissors first: they are the rarer.
        ordered = sorted(range(len(listed)), key=lambda i: (listed[i].label != "scissors", (i * 7919) % 10007))
        chosen = [listed[i] for i in ordered[: _OPIXRAY_CUT[split]]]
        fine = load_clean(chosen, CUT_LONGEST, None, "")
        patches = threat_cutouts(fine) + distractor_cutouts(fine, rng, len(fine) // 2)
        patches += [shapes.make_patch(name, rng) for name in shapes.THREATS for _ in range(THREATS_PER_KIND)]
        patches += [shapes.make_patch(name, rng) for name in shapes.EVERYDAY for _ in range(EVERYDAY_PER_KIND)]
        patches += icons.make_patches(icons.fetch(cache / "start"), 3, rng)
        patches += _bag_cutouts(split, rng, root, bags)
        if split == TRAIN:  # single objects in a few poses each: nothing is left to test on
            patches += [shapes.trim(p, 192) for p in dual_energy_patches(root, problems=problems)]
        save_patches(made, patches)
    bank.add(load_patches(made))
    bank.add_rendered(cache / "patches")
    if split == TRAIN:  # elsewhere the staged bags are a test of their own, not an ingredient
        bank.staged, fine_staged = load_staged_at(split, (LONGEST, CUT_LONGEST), root)
        bank.add(cut_outs(fine_staged), "sixray")
    return bank
