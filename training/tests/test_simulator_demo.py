"""The bundled demo replay is what `python -m lanescope demo` makes, and fit to ship."""

import csv
from pathlib import Path

import cv2
import numpy as np

from lanescope.patch import CLASSES
from lanescope.simulator import replay

DEMO = Path(__file__).parents[2] / "resources" / "demo"


def test_the_bundled_replay_is_complete_small_and_labelled() -> None:
    with (DEMO / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = sorted(DEMO.glob("*.jpg"))
    assert [f"{row['name']}.jpg" for row in rows] == [path.name for path in images]
    assert len(images) == replay.COUNT
    assert sum(path.stat().st_size for path in images) < 6_000_000
    held = {i: name for i, row in enumerate(rows) for name in CLASSES if row[name.capitalize()] == "1"}
    assert held == {i: label for i, (label, _) in replay.THREATS.items()}
    for path in images:
        picture = cv2.imread(str(path))
        assert max(picture.shape[:2]) == replay.SIZE
        assert np.median(picture[:8].min(2)) > 245  # light background


def test_a_bundled_bag_can_be_made_again() -> None:
    index = min(replay.THREATS)
    made = replay.scan(index)
    shipped = cv2.imread(str(DEMO / f"bag-{index + 1:04d}.jpg"))[..., ::-1].astype(int)
    assert shipped.shape == made.image.shape
    assert np.abs(shipped - made.image).mean() < 3
    (label, x0, y0, x1, y1), *more = made.boxes
    assert label == replay.THREATS[index][0] and not more and x1 - x0 > 60 and y1 - y0 > 60
