"""Parity goldens: synthetic scans with what Python makes of them, for the app's tests to agree with (docs/MODEL_CONTRACT.md).

No real scan may go into the repository, so these are drawn: a bag's outline, clothes-like clutter and projected shapes.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lanescope.data import shapes
from lanescope.patch import CLASSES
from lanescope.preprocess import Prepared, decode, prepare
from lanescope.scoring import Model


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
    return {
        "plain.png": encode(Image.fromarray(draw_bag(640, 480, (255, 255, 255), 1, ("gun",))), "PNG"),
        "belt.jpg": encode(Image.fromarray(draw_bag(900, 611, (238, 240, 244), 2, ("knife",))), "JPEG", quality=92, subsampling=0),
        "two-bags.png": encode(Image.fromarray(draw_bag(1021, 430, (250, 250, 247), 3, ("wrench",), bags=2)), "PNG"),
        "turned.jpg": encode(rotated, "JPEG", quality=92, subsampling=0, exif=exif.tobytes()),
        "alpha.png": encode(Image.fromarray(see_through, "RGBA"), "PNG"),
        "small.png": encode(Image.fromarray(draw_bag(150, 201, (252, 252, 252), 6)), "PNG"),
    }


def write(folder: Path, model_file: Path) -> Path:
    """Write scans, expected tensors (uint8 squares before normalisation, PNG) and `goldens.json` for a model.

    Returns:
        the JSON file: for each scan its file, square, box, background, statistics, levels' and fused logits, posterior in the
        calibration sample, and peaks as fractions of the original image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = Model(model_file, cache=None)
    rows = []
    for name, data in _files().items():
        (folder / name).write_bytes(data)
        prepared = prepare(decode(io.BytesIO(data)), model.size)
        square = f"{Path(name).stem}.square.png"
        Image.fromarray(prepared.pixels).save(folder / square, optimize=True)
        rows.append({"file": name, "square": square, **_expected(prepared, model)})
    target = folder / "goldens.json"
    target.write_text(
        json.dumps(
            {"preprocessing": "bag-1", "size": model.size, "model": model_file.name, "sha256": model.sha256, "scans": rows}, indent=2
        )
        + "\n"
    )
    return target


def _expected(prepared: Prepared, model: Model) -> dict[str, object]:
    answer = model.score(prepared.pixels[None])
    calibration = model.manifest["calibration"]["classes"]
    classes = {}
    for c, name in enumerate(CLASSES):
        z = float(answer.fused[0, c])
        x, y = prepared.to_original(*(float(v) for v in answer.peaks[0, c]))
        a, b = calibration[name]["a"], calibration[name]["b"]
        classes[name] = {
            "logits": [round(float(v), 5) for v in answer.logits[0, :, c]], "fused": round(z, 5),
            "posterior": round(float(1 / (1 + np.exp(-(a * z + b)))), 6), "peak": {"x": round(x, 5), "y": round(y, 5)},
        }  # fmt: skip
    statistics = {key: round(value, 4) for key, value in prepared.located.statistics.as_manifest().items()}
    return {
        "original": list(prepared.original), "box": list(prepared.located.box), "background": prepared.located.background.tolist(),
        "statistics": statistics, "classes": classes,
    }  # fmt: skip
