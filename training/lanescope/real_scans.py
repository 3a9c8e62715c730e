"""Real scans of the shared data, prepared and kept, as the protocols take them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lanescope.preprocess import pad
from lanescope.protocols import ScanSet
from lanescope.scoring import REPOSITORY


def opixray_sample(root: Path, size: int, which: str, limit: int | None = None) -> ScanSet:
    """OPIXray scans, un-stretched and prepared: "valid" is the official list, "test" the blocks that training never touches."""
    from lanescope.data.scans import load_clean
    from lanescope.data.splits import TEST, opixray_scans

    scans = [s for s in opixray_scans(root) if (s.file.parent.name == "valid" if which == "valid" else s.split == TEST)]
    if limit:
        by_class = {c: [s for s in scans if s.label == c][:limit] for c in ("scissors", "knife")}
        scans = by_class["scissors"] + by_class["knife"]
    cleaned = load_clean(scans, size, REPOSITORY / ".cache" / "real", f"evaluate-{which}-{limit or 'all'}")
    squares, boxes = [], []
    for c in cleaned:
        square, (left, top) = pad(c.pixels, size)
        squares.append(square)
        assert c.box is not None and c.label is not None  # every OPIXray scan is boxed
        x0, y0, x1, y1 = c.box
        boxes.append([(c.label, ((x0 + left) / size, (y0 + top) / size, (x1 + left) / size, (y1 + top) / size))])
    return ScanSet(np.stack(squares), [c.group for c in cleaned], [c.label for c in cleaned], boxes)


def benign_sample(root: Path, size: int) -> ScanSet:
    """Benign SIXray bags of the held-out blocks."""
    from lanescope.data.scans import load_clean
    from lanescope.data.splits import TEST, benign_scans

    cleaned = load_clean([s for s in benign_scans(root) if s.split == TEST], size, REPOSITORY / ".cache" / "real", "evaluate-benign")
    return ScanSet(np.stack([pad(c.pixels, size)[0] for c in cleaned]), [c.group for c in cleaned])
