"""Preprocessing `bag-1` (docs/MODEL_CONTRACT.md): decoded scan -> cropped, flattened, padded square.

The app's counterpart is `src/main/inference/preprocess.ts`; the parity goldens hold both to one result.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from typing import IO

import numpy as np
from PIL import Image, ImageOps

GRID = 256
"""Cells along the longer side of the grid, at most."""
LIGHT = 200
"""A cell whose smallest channel reaches this may be background."""
DARKER = 20
"""A cell counts as bag when a channel is more than this below the background."""


class NoBagError(ValueError):
    """Nothing stands out from the background: there is no bag to score."""


class HiddenError(ValueError):
    """A fourth band of the picture hides parts of it."""


@dataclass(frozen=True)
class ImageStatistics:
    """What the station watches for drift; taken of the grid's cells (MODEL_CONTRACT, "Image statistics")."""

    brightness: float
    """Mean of all bag cells' channels, 0-255."""
    background: float
    """Mean of the background's channels, 0-255."""
    aspect: float
    """Width / height of the crop."""
    bag_share: float
    """Bag cells / all cells, 0-1."""

    def as_manifest(self) -> dict[str, float]:
        """The same with the manifest's key names."""
        values = asdict(self)
        values["bagShare"] = values.pop("bag_share")
        return values


@dataclass(frozen=True)
class Located:
    """Where the bag is in a decoded scan."""

    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 in pixels of the original, end exclusive."""
    background: np.ndarray
    """uint8 [3]."""
    statistics: ImageStatistics


@dataclass(frozen=True)
class Prepared:
    """A scan ready for the network, with what is needed to map points back."""

    pixels: np.ndarray
    """uint8 [S, S, 3], padded with 255."""
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
        x0, y0, x1, y1 = self.located.box
        ox = x0 + (x * side - self.offset[0]) / self.size[0] * (x1 - x0)
        oy = y0 + (y * side - self.offset[1]) / self.size[1] * (y1 - y0)
        return float(np.clip(ox / self.original[0], 0, 1)), float(np.clip(oy / self.original[1], 0, 1))

    def from_original(self, x: float, y: float) -> tuple[float, float]:
        """Map fractions of the original to pixels of the square (not clipped)."""
        x0, y0, x1, y1 = self.located.box
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
    import cv2

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


def locate(image: np.ndarray) -> Located:
    """Steps 2-6: background colour and the bag's box.

    Args:
        image: uint8 [H, W, 3].

    Raises:
        NoBagError: no bag on the background.
    """
    height, width = image.shape[:2]
    k = -(-max(width, height) // GRID)
    gw, gh = width // k, height // k
    if gw == 0 or gh == 0:
        raise NoBagError("the image is narrower than one cell")
    blocks = image[: gh * k, : gw * k].reshape(gh, k, gw, k, 3)
    total = blocks.sum(axis=(1, 3), dtype=np.int64)
    n = k * k
    cells = ((2 * total + n) // (2 * n)).astype(np.int64)

    light = cells[cells.min(axis=2) >= LIGHT]
    background = np.full(3, 255, np.int64)
    if 100 * len(light) >= gw * gh:
        for channel in range(3):
            counts = np.bincount(light[:, channel], minlength=256)
            background[channel] = 255 - int(np.argmax(counts[::-1]))

    bag = (background - cells).max(axis=2) > DARKER
    kept = _large_components(bag)
    if kept is None:
        raise NoBagError("nothing stands out from the background")
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    left, right = columns[0] - 1, columns[-1] + 2
    top, bottom = rows[0] - 1, rows[-1] + 2
    x0, y0 = max(0, left) * k, max(0, top) * k
    x1 = width if right >= gw else right * k
    y1 = height if bottom >= gh else bottom * k
    statistics = ImageStatistics(
        brightness=float(cells[kept].mean()),
        background=float(background.mean()),
        aspect=float((x1 - x0) / (y1 - y0)),
        bag_share=float(kept.sum() / kept.size),
    )
    return Located((int(x0), int(y0), int(x1), int(y1)), background.astype(np.uint8), statistics)


def _large_components(bag: np.ndarray) -> np.ndarray | None:
    """Step 5: components (8-connected) of at least 6 % of the largest; None when even that is under 0.5 % of the grid."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(bag.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.int64)
    if len(areas) == 0 or 200 * areas.max() < bag.size:
        return None
    keep = np.concatenate([[False], 100 * areas >= 6 * areas.max()])
    return keep[labels]


def crop_and_flatten(image: np.ndarray, located: Located, longest: int) -> np.ndarray:
    """Steps 6-8: the bag's crop, resized to a longest side, its background flattened to white.

    Returns:
        uint8 [h, w, 3], max(h, w) == longest.
    """
    x0, y0, x1, y1 = located.box
    crop = Image.fromarray(image[y0:y1, x0:x1])
    scale_to = max(crop.size)
    width, height = (max(1, int(side * longest / scale_to + 0.5)) for side in crop.size)
    resized = np.asarray(crop.resize((width, height), Image.Resampling.LANCZOS), np.uint32)
    # Rounded, so that both sides agree on a pixel that falls between two values.
    background = located.background.astype(np.uint32)
    flat = (2 * resized * 255 + background) // (2 * background)
    return np.minimum(flat, 255).astype(np.uint8)


def pad(crop: np.ndarray, side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Step 9: centre a crop in a white square.

    Returns:
        uint8 [side, side, 3] and the left and top offset.
    """
    height, width = crop.shape[:2]
    left, top = (side - width) // 2, (side - height) // 2
    square = np.full((side, side, 3), 255, np.uint8)
    square[top : top + height, left : left + width] = crop
    return square, (left, top)


def prepare(image: np.ndarray, side: int) -> Prepared:
    """Steps 2-9 on a decoded scan.

    Args:
        image: uint8 [H, W, 3].
        side: the network's input size S, pixels.

    Raises:
        NoBagError: no bag on the background.
    """
    located = locate(image)
    crop = crop_and_flatten(image, located, side)
    square, offset = pad(crop, side)
    return Prepared(square, located, offset, (crop.shape[1], crop.shape[0]), (image.shape[1], image.shape[0]))


def normalise(pixels: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Step 10: uint8 [S, S, 3] or [N, S, S, 3] -> float32 NCHW."""
    batch = pixels[None] if pixels.ndim == 3 else pixels
    scaled = (batch.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
