"""Preprocessing `bag-2` (docs/MODEL_CONTRACT.md): decoded scan -> its ground, its bags, and a cleaned square a look.

The app's counterpart is `src/main/inference/preprocess.ts`; the parity goldens hold both to one result.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from typing import IO

import cv2
import numpy as np
from PIL import Image, ImageOps

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the original, end exclusive."""

EDGE_DARK = 64
"""A pixel whose every channel is below this is dark; rows and columns of them at the picture's rim are a frame, not a bag."""
EDGE_MOST = 16
"""At most one part in so many of a side is taken for such a frame."""
GRID = 256
"""Cells along the longer side of the grid, at most."""
FLAT = 4
"""A cell is flat when its right and lower neighbours differ from it by no more in any channel."""
LIGHT, GREY = 128, 48
"""Ground is light (smallest channel) and near grey (largest less smallest channel)."""
NEAR_GROUND = 12
"""Cells this near to the commonest colour vote on the ground's exact value."""
SHARE_OF_GROUND = 200
"""The ground covers at least one cell in so many."""
DARKER = 20
"""A cell counts as bag when a channel passes less than 1 - 20 / 255 of what the ground passes."""
SPECK = 2000
"""Components under one cell in so many are specks."""
SMALL, REACH = 10, 16
"""A group under 1 / SMALL of the largest belongs to a larger one within long side / REACH cells."""
MOST_BAGS = 8
LONG = 7
"""A bag longer than LONG / 4 times its breadth is also looked at in overlapping parts."""


class NoBagError(ValueError):
    """Nothing stands out from the ground: there is no bag to score."""


class NoGroundError(NoBagError):
    """No colour can be told to be the empty ground: what the scan holds can't be told from what it lies on."""


class HiddenError(ValueError):
    """A fourth band of the picture hides parts of it."""


@dataclass(frozen=True)
class ImageStatistics:
    """What the station watches for drift; taken of the grid's cells (MODEL_CONTRACT, "Image statistics")."""

    brightness: float
    """Mean of all bag cells' channels, 0-255."""
    background: float
    """Mean of the ground's channels, 0-255."""
    aspect: float
    """Width / height of the box round all bags."""
    bag_share: float
    """Bag cells / all cells, 0-1."""

    def as_manifest(self) -> dict[str, float]:
        """The same with the manifest's key names."""
        values = asdict(self)
        values["bagShare"] = values.pop("bag_share")
        return values


@dataclass(frozen=True)
class Located:
    """Where the bags are in a decoded scan."""

    bags: tuple[Box, ...]
    """From left to right (then top to bottom)."""
    background: np.ndarray
    """uint8 [3], the ground's colour."""
    statistics: ImageStatistics

    @property
    def box(self) -> Box:
        """The box round all bags."""
        x0, y0, x1, y1 = zip(*self.bags, strict=True)
        return min(x0), min(y0), max(x1), max(y1)


@dataclass(frozen=True)
class Look:
    """One part of a scan that the network sees at once."""

    box: Box
    bag: int
    """Index into `Located.bags`."""


@dataclass(frozen=True)
class Prepared:
    """One look, ready for the network, with what is needed to map points back."""

    pixels: np.ndarray
    """uint8 [S, S, 3], padded with 255."""
    look: Look
    located: Located
    offset: tuple[int, int]
    """Left and top padding in pixels of the square."""
    size: tuple[int, int]
    """Width and height of the resized crop inside the square."""
    original: tuple[int, int]
    """Width and height of the decoded scan."""

    def to_original(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the square to the original.

        Args:
            x, y: position as fractions of the square, 0-1.

        Returns:
            fractions of the original image, clipped to [0, 1].
        """
        side = self.pixels.shape[0]
        x0, y0, x1, y1 = self.look.box
        ox = x0 + (x * side - self.offset[0]) / self.size[0] * (x1 - x0)
        oy = y0 + (y * side - self.offset[1]) / self.size[1] * (y1 - y0)
        return float(np.clip(ox / self.original[0], 0, 1)), float(np.clip(oy / self.original[1], 0, 1))

    def from_original(self, x: float, y: float) -> tuple[float, float]:
        """Map fractions of the original to pixels of the square (not clipped)."""
        x0, y0, x1, y1 = self.look.box
        px = (x * self.original[0] - x0) / (x1 - x0) * self.size[0] + self.offset[0]
        py = (y * self.original[1] - y0) / (y1 - y0) * self.size[1] + self.offset[1]
        return px, py


def decode(file: str | PathLike[str] | IO[bytes]) -> np.ndarray:
    """Step 1: a file as uint8 RGB [H, W, 3], EXIF orientation applied, a fourth band by `without_fourth_band`.

    Raises:
        OSError: the file cannot be decoded.
        HiddenError: a fourth band hides parts of the picture.
    """
    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened) or opened
        if image.mode in ("I", "I;16", "I;16B", "I;16L"):
            image = Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))
        if image.mode == "RGBX":  # a TIFF's fourth band of no stated kind
            return without_fourth_band(np.asarray(image))
        if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
            return without_fourth_band(np.asarray(image.convert("RGBA")))
        return np.asarray(image.convert("RGB"))


def without_fourth_band(image: np.ndarray) -> np.ndarray:
    """The app's rule (src/main/inference/bands.ts): a fourth band may never hide anything.

    It is left out where it is one value throughout. Where it cuts an outline out (0 or 255 alone, over one flat colour, each such part
    touching the picture's edge) those parts are white.

    Args:
        image: uint8 [H, W, 4].

    Returns:
        uint8 [H, W, 3].

    Raises:
        HiddenError: any other fourth band.
    """
    rgb, band = image[..., :3], image[..., 3]
    clear = band == 0
    if clear.any() and ((band == 0) | (band == 255)).all() and (rgb[clear] == rgb[clear][0]).all():
        _, parts = cv2.connectedComponents(clear.astype(np.uint8), connectivity=4)
        edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
        if np.isin(parts[clear], edge).all():
            return np.where(clear[..., None], np.uint8(255), rgb)
    if (band == band.flat[0]).all():
        return np.ascontiguousarray(rgb)
    raise HiddenError("a fourth band (transparency, or of no stated kind) changes from place to place")


def trim_frame(image: np.ndarray) -> Box:
    """Step 2: what is left of the picture without dark rows and columns at its rim (frames that some scanners draw).

    A row counts when four fifths of its pixels are dark; two more are taken after it, which the codec has blurred.
    """
    height, width = image.shape[:2]

    def frame(strip: np.ndarray) -> int:
        # strip: [most, length, 3], the edge's rows (or columns) from outside in
        count = 0
        while count < len(strip) and 5 * int((strip[count].max(axis=1) < EDGE_DARK).sum()) >= 4 * strip.shape[1]:
            count += 1
        return min(count + 2, len(strip)) if count else 0

    rows, columns = height // EDGE_MOST, width // EDGE_MOST
    turned = image.swapaxes(0, 1)
    left, right = frame(turned[:columns]), frame(turned[::-1][:columns])
    top, bottom = frame(image[:rows]), frame(image[::-1][:rows])
    return left, top, width - right, height - bottom


def find_ground(cells: np.ndarray) -> np.ndarray:
    """Step 4: the colour that bags lie on: the commonest light, near-grey, flat colour, cells at the rim counting fourfold.

    Args:
        cells: int64 [gh, gw, 3].

    Returns:
        int64 [3].

    Raises:
        NoGroundError: no colour covers enough.
    """
    gh, gw = cells.shape[:2]
    flat = np.zeros((gh, gw), bool)
    right = np.abs(cells[:-1, 1:] - cells[:-1, :-1]).max(axis=2)
    below = np.abs(cells[1:, :-1] - cells[:-1, :-1]).max(axis=2)
    flat[:-1, :-1] = (right <= FLAT) & (below <= FLAT)
    low, high = cells.min(axis=2), cells.max(axis=2)
    votes = flat & (low >= LIGHT) & (high - low <= GREY)
    weight = np.ones((gh, gw), np.int64)
    weight[:2], weight[-2:], weight[:, :2], weight[:, -2:] = 4, 4, 4, 4
    voting, weights = cells[votes], weight[votes]
    key = (voting[:, 0] >> 3) * 1024 + (voting[:, 1] >> 3) * 32 + (voting[:, 2] >> 3)
    counts = np.bincount(key, weights, minlength=32768)
    best = int(np.flatnonzero(counts == counts.max())[-1])
    centre = np.array([best >> 10, (best >> 5) & 31, best & 31]) * 8 + 4
    near = voting[(np.abs(voting - centre) <= NEAR_GROUND).all(axis=1)]
    ground = np.zeros(3, np.int64)
    if len(near) == 0:
        raise NoGroundError("no ground can be told")
    for channel in range(3):
        values = np.bincount(near[:, channel], minlength=256)
        ground[channel] = 255 - int(np.argmax(values[::-1]))
    covered = int((np.abs(cells - ground).max(axis=2) <= NEAR_GROUND).sum())
    if SHARE_OF_GROUND * covered < gh * gw:
        raise NoGroundError("no ground can be told")
    return ground


def locate(image: np.ndarray) -> Located:
    """Steps 2-6: the ground's colour and the bags' boxes.

    Args:
        image: uint8 [H, W, 3].

    Raises:
        NoGroundError: no ground can be told.
        NoBagError: no bag on the ground.
    """
    left, top, right, bottom = trim_frame(image)
    width, height = right - left, bottom - top
    k = -(-max(width, height) // GRID)
    gw, gh = width // k, height // k
    if gw < 2 or gh < 2:
        raise NoGroundError("the image is narrower than two cells")
    inside = image[top : top + gh * k, left : left + gw * k]
    rows = inside.reshape(gh, k, gw * k, 3).sum(axis=1, dtype=np.uint32)
    total = rows.reshape(gh, gw, k, 3).sum(axis=2, dtype=np.int64)
    n = k * k
    cells = ((2 * total + n) // (2 * n)).astype(np.int64)
    ground = find_ground(cells)
    bag = (255 * (ground - cells) > DARKER * ground).any(axis=2)
    kept = _without_specks(bag)
    groups = _groups(kept)
    if not groups or 200 * groups[0].area < gh * gw:
        raise NoBagError("nothing stands out from the ground")

    def pixels(group: _Group) -> Box:
        x0, y0, x1, y1 = group.box[0] - 1, group.box[1] - 1, group.box[2] + 1, group.box[3] + 1
        return (
            left + max(0, x0) * k,
            top + max(0, y0) * k,
            right if x1 >= gw else left + x1 * k,
            bottom if y1 >= gh else top + y1 * k,
        )

    bags = tuple(sorted(pixels(group) for group in groups))
    x0, y0, x1, y1 = zip(*bags, strict=True)
    statistics = ImageStatistics(
        brightness=float(cells[kept].mean()),
        background=float(ground.mean()),
        aspect=float((max(x1) - min(x0)) / (max(y1) - min(y0))),
        bag_share=float(kept.sum() / kept.size),
    )
    return Located(bags, ground.astype(np.uint8), statistics)


def _without_specks(bag: np.ndarray) -> np.ndarray:
    """Step 5: bag cells without specks and without lines along the rim (window borders, not bags)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bag.astype(np.uint8), connectivity=8)
    gh, gw = bag.shape
    inner = np.bincount(labels[2:-2, 2:-2].ravel(), minlength=len(stats))
    line = (inner == 0) & ((10 * stats[:, cv2.CC_STAT_WIDTH] >= 9 * gw) | (10 * stats[:, cv2.CC_STAT_HEIGHT] >= 9 * gh))
    keep = (SPECK * stats[:, cv2.CC_STAT_AREA].astype(np.int64) >= bag.size) & ~line
    keep[0] = False
    return keep[labels]


@dataclass(frozen=True)
class _Group:
    """Cells that make a bag."""

    box: Box
    """x0, y0, x1, y1 in cells, end exclusive."""
    area: int

    def joined(self, other: _Group) -> _Group:
        a, b = self.box, other.box
        return _Group((min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])), self.area + other.area)

    def gap(self, other: _Group) -> int:
        """Cells between the boxes along the worse axis; 0 where they touch or overlap."""
        a, b = self.box, other.box
        return max(0, max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3]))

    def within(self, other: _Group) -> bool:
        """Whether half of this box or more lies in the other's."""
        a, b = self.box, other.box
        w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        return w > 0 and h > 0 and 2 * w * h >= (a[2] - a[0]) * (a[3] - a[1])

    @property
    def order(self) -> tuple[int, ...]:
        """Largest first; then by place, so that both languages agree."""
        return (-self.area, *self.box)


def _groups(kept: np.ndarray) -> list[_Group]:
    """Step 6: bags, largest first.

    Cells belong together when a cell or less lies between them; a group that lies in another's box, and a small one near a larger,
    join it; where
    more than `MOST_BAGS` are left, the smallest joins its nearest.
    """
    near = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(near, connectivity=8)
    groups = []
    for label in range(1, count):
        ys, xs = np.nonzero((labels == label) & kept)
        groups.append(_Group((int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1), len(xs)))
    groups.sort(key=lambda g: g.order)
    reach = max(kept.shape) // REACH

    def join(mine: int, other: int) -> None:
        groups[other] = groups[other].joined(groups.pop(mine))
        groups.sort(key=lambda g: g.order)

    def pair() -> tuple[int, int] | None:
        # the smallest first, each to the nearest of the larger ones (the first of equals)
        for mine in range(len(groups) - 1, 0, -1):
            larger = range(mine)
            inside = [o for o in larger if groups[mine].within(groups[o])]
            if inside:
                return mine, inside[0]
            nearest = min(larger, key=lambda o: (groups[mine].gap(groups[o]), o))
            small = SMALL * groups[mine].area < groups[0].area
            if (small and groups[mine].gap(groups[nearest]) <= reach) or len(groups) > MOST_BAGS:
                return mine, nearest
        return None

    while (found := pair()) is not None:
        join(*found)
    return groups


def looks(located: Located, width: int, height: int) -> list[Look]:
    """Step 7: what the network sees: each bag whole; a long one also in parts as long as it is broad, a quarter or more overlapping.

    Slivers (what is left of a bag at the rim of a frame) are looked at whole only.

    Args:
        width, height: the scan's, pixels.
    """
    found = []
    longest = max(width, height)
    for number, (x0, y0, x1, y1) in enumerate(located.bags):
        found.append(Look((x0, y0, x1, y1), number))
        long, broad = max(x1 - x0, y1 - y0), min(x1 - x0, y1 - y0)
        if 4 * long <= LONG * broad or (6 * broad < longest and 5 * long < 4 * longest):
            continue
        part = max(broad, -(-long // 4))  # no more than five parts, however long
        count = -(-4 * (long - part) // (3 * part)) + 1
        for index in range(count):
            start = (index * (long - part)) // (count - 1)
            box = (x0 + start, y0, x0 + start + part, y1) if x1 - x0 >= y1 - y0 else (x0, y0 + start, x1, y0 + start + part)
            found.append(Look(box, number))
    return found


def crop_and_flatten(image: np.ndarray, box: Box, ground: np.ndarray, longest: int) -> np.ndarray:
    """Steps 8-9: a crop, resized to a longest side, its ground flattened to white.

    Args:
        image: uint8 [H, W, 3].
        ground: uint8 [3].

    Returns:
        uint8 [h, w, 3], max(h, w) == longest.
    """
    x0, y0, x1, y1 = box
    crop = Image.fromarray(image[y0:y1, x0:x1])
    scale_to = max(crop.size)
    width, height = (max(1, int(side * longest / scale_to + 0.5)) for side in crop.size)
    resized = np.asarray(crop.resize((width, height), Image.Resampling.LANCZOS), np.uint32)
    # Rounded, so that both sides agree on a pixel that falls between two values.
    divisor = ground.astype(np.uint32)
    flat = (2 * resized * 255 + divisor) // (2 * divisor)
    return np.minimum(flat, 255).astype(np.uint8)


def pad(crop: np.ndarray, side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Step 10: centre a crop in a white square.

    Returns:
        uint8 [side, side, 3] and the left and top offset.
    """
    height, width = crop.shape[:2]
    left, top = (side - width) // 2, (side - height) // 2
    square = np.full((side, side, 3), 255, np.uint8)
    square[top : top + height, left : left + width] = crop
    return square, (left, top)


def prepare(image: np.ndarray, side: int) -> list[Prepared]:
    """Steps 2-10 on a decoded scan: one square a look.

    Args:
        image: uint8 [H, W, 3].
        side: the network's input size S, pixels.

    Raises:
        NoGroundError, NoBagError: no ground can be told, or no bag lies on it.
    """
    located = locate(image)
    prepared = []
    for look in looks(located, image.shape[1], image.shape[0]):
        crop = crop_and_flatten(image, look.box, located.background, side)
        square, offset = pad(crop, side)
        prepared.append(Prepared(square, look, located, offset, (crop.shape[1], crop.shape[0]), (image.shape[1], image.shape[0])))
    return prepared


def normalise(pixels: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Step 11: uint8 [S, S, 3] or [N, S, S, 3] -> float32 NCHW."""
    batch = pixels[None] if pixels.ndim == 3 else pixels
    scaled = (batch.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
