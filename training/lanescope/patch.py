"""What the simulator and the projection share: one object as it dims a scan, with its silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLASSES = ("gun", "knife", "wrench", "pliers", "scissors")
DISTRACTOR = "distractor"


@dataclass
class Patch:
    """A threat or distractor, ready to be projected into a bag."""

    transmission: np.ndarray
    """float32 [H, W, 3], (0, 1], RGB display transmission relative to the local background: multiply into a cleaned scan / 255."""
    mask: np.ndarray
    """bool [H, W], the object's silhouette."""
    label: str
    """One of `CLASSES`, or "distractor"."""
    source: str
    """Where it comes from, e.g. "opixray:009000", "mesh:scissors", "icon:mdi/knife"."""
