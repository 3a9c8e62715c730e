"""Parity goldens: synthetic scans with what Python makes of them, for the app's tests to agree with (docs/MODEL_CONTRACT.md).

No real scan may go into the repository, so these are drawn: a bag's outline, clothes-like clutter and projected shapes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lanescope.data import shapes
from lanescope.patch import CLASSES
from lanescope.preprocess import Prepared, decode, prepare
from lanescope.scoring import Model
from lanescope.whole_scans import decide


def draw_bag(
    width: int, height: int, background: tuple[int, int, int], seed: int, threats: tuple[str, ...] = (), bags: int = 1
) -> np.ndarray:
    """A simple bag on a light belt; uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    canvas = np.ones((height, width, 3), np.float32)
    for number in range(bags):
        x0, x1 = width * (0.08 + number / bags * 0.9), width * ((number + 1) / bags * 0.9)
        y0, y1 = height * rng.uniform(0.08, 0.2), height * rng.uniform(0.8, 0.92)
        shell = np.zeros((height, width), np.float32)
        cv2.rectangle(shell, (int(x0), int(y0)), (int(x1), int(y1)), 1.0, -1)
        shell = cv2.GaussianBlur(shell, (0, 0), 3)
        canvas *= np.exp(-shell[..., None] * np.array([0.05, 0.16, 0.33], np.float32))
        for _ in range(24):
            centre = (int(rng.uniform(x0, x1)), int(rng.uniform(y0, y1)))
            blob = np.zeros((height, width), np.float32)
            cv2.ellipse(
                blob, centre, (int(rng.uniform(6, 0.15 * width)), int(rng.uniform(6, 0.12 * height))), rng.uniform(0, 180), 0, 360, 1.0, -1
            )
            tone = np.array(shapes.ATTENUATION[str(rng.choice(["plastic", "rubber", "aluminium"]))], np.float32)
            canvas *= np.exp(-cv2.GaussianBlur(blob * shell, (0, 0), 2)[..., None] * tone * rng.uniform(0.1, 0.5))
        for name in (*threats, "coins", "keys"):
            patch = shapes.make_patch(name, rng, int(min(width / bags, height) * (0.35 if name in CLASSES else 0.12)))
            h, w = patch.mask.shape
            x, y = int(rng.uniform(x0 + 4, max(x0 + 5, x1 - w - 4))), int(rng.uniform(y0 + 4, max(y0 + 5, y1 - h - 4)))
            canvas[y : y + h, x : x + w] *= patch.transmission[: height - y, : width - x]
    noise = rng.normal(0, 0.004, canvas.shape).astype(np.float32)
    return np.clip((canvas + noise) * np.array(background, np.float32) + 0.5, 0, 255).astype(np.uint8)


def draw_frame() -> np.ndarray:
    """A grey belt frame with four bags, the first cut by its edge; uint8 [600, 1400, 3]."""
    grey = (195, 197, 194)
    frame = np.full((600, 1400, 3), grey, np.uint8)
    for number, (x, y, w, h) in enumerate([(-60, 120, 320, 240), (420, 60, 380, 260), (900, 200, 120, 90), (1150, 300, 250, 280)]):
        bag = draw_bag(w, h, grey, 20 + number, ("gun",) if number == 1 else ())[:, max(0, -x) :]
        frame[y : y + h, max(0, x) : x + w] = bag
    return frame


def _files() -> dict[str, bytes]:
    """Name -> encoded file: each exercises another path through decoding and preprocessing."""

    def encode(image: Image.Image, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    rotated = Image.fromarray(np.ascontiguousarray(np.rot90(draw_bag(420, 300, (245, 246, 250), 4, ("pliers",)))))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned a quarter; shown upright only by who reads the tag
    see_through = np.dstack([draw_bag(333, 257, (255, 255, 255), 5, ("scissors",)), np.full((257, 333), 255, np.uint8)])
    see_through[:20, :, 3] = 0
    see_through[:20, :, :3] = 0
    framed = draw_bag(640, 500, (254, 254, 254), 32, ("pliers",))
    framed[-7:], framed[-8], framed[:, -9:] = 10, 120, 12  # a dark frame at two edges, blurred as a codec leaves it
    return {
        "plain.png": encode(Image.fromarray(draw_bag(640, 480, (255, 255, 255), 1, ("gun",))), "PNG"),
        "belt.jpg": encode(Image.fromarray(draw_bag(900, 611, (238, 240, 244), 2, ("knife",))), "JPEG", quality=92, subsampling=0),
        "two-bags.png": encode(Image.fromarray(draw_bag(1021, 430, (250, 250, 247), 3, ("wrench",), bags=2)), "PNG"),
        "turned.jpg": encode(rotated, "JPEG", quality=92, subsampling=0, exif=exif.tobytes()),
        "alpha.png": encode(Image.fromarray(see_through, "RGBA"), "PNG"),
        "frame.png": encode(Image.fromarray(draw_frame()), "PNG"),
        "tinted.png": encode(Image.fromarray(draw_bag(700, 520, (210, 224, 224), 31, ("knife",))), "PNG"),
        "edged.png": encode(Image.fromarray(framed), "PNG"),
        "long.png": encode(Image.fromarray(draw_bag(1500, 420, (240, 242, 241), 33, ("scissors",))), "PNG"),
        "small.png": encode(Image.fromarray(draw_bag(150, 201, (252, 252, 252), 6)), "PNG"),
    }


def write(folder: Path, model_file: Path) -> Path:
    """Write scans, expected tensors (uint8 squares before normalisation, PNG) and `goldens.json` for a model.

    Returns:
        the JSON file: for each scan its file, size, ground, bags' boxes, statistics, its looks (box, bag, square, levels' and fused
        logits, and peaks as fractions of the scan), and what they come to: logits, posterior in the calibration sample and peak of each
        class.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = Model(model_file, cache=None)
    rows = []
    for name, data in _files().items():
        (folder / name).write_bytes(data)
        image = decode(io.BytesIO(data))
        looks = prepare(image, model.size)
        squares = []
        for number, look in enumerate(looks):
            squares.append(f"{Path(name).stem}.square{number}.png")
            Image.fromarray(look.pixels).save(folder / squares[-1], optimize=True)
        rows.append({"file": name, **_expected(looks, squares, model)})
    target = folder / "goldens.json"
    target.write_text(
        json.dumps(
            {"preprocessing": "bag-2", "size": model.size, "model": model_file.name, "sha256": model.sha256, "scans": rows}, indent=2
        )
        + "\n"
    )
    return target


def _expected(looks: list[Prepared], squares: list[str], model: Model) -> dict[str, object]:
    answer = model.score(np.stack([look.pixels for look in looks]))
    calibration = model.manifest["calibration"]["classes"]
    whole = decide(looks, answer.fused, answer.logits, answer.peaks, answer.peaks_over_scales)

    def point(at: Sequence[float]) -> dict[str, float]:
        return {"x": round(float(at[0]), 5), "y": round(float(at[1]), 5)}

    listed = []
    for k, (look, square) in enumerate(zip(looks, squares, strict=True)):
        classes = {
            name: {
                "logits": [round(float(v), 5) for v in answer.logits[k, :, c]],
                "fused": round(float(answer.fused[k, c]), 5),
                "peak": point(look.to_original(*(float(v) for v in answer.peaks[k, c]))),
            }
            for c, name in enumerate(CLASSES)
        }
        listed.append({"box": list(look.look.box), "bag": look.look.bag, "square": square, "classes": classes})
    classes = {}
    for c, name in enumerate(CLASSES):
        z, a, b = float(whole.fused[c]), calibration[name]["a"], calibration[name]["b"]
        classes[name] = {
            "logits": [round(float(v), 5) for v in whole.logits[:, c]], "fused": round(z, 5),
            "posterior": round(float(1 / (1 + np.exp(-(a * z + b)))), 6), "peak": point(whole.peaks[c]),
        }  # fmt: skip
    located = looks[0].located
    return {
        "original": list(looks[0].original), "background": located.background.tolist(), "bags": [list(bag) for bag in located.bags],
        "statistics": {key: round(value, 4) for key, value in located.statistics.as_manifest().items()},
        "looks": listed, "classes": classes,
    }  # fmt: skip
