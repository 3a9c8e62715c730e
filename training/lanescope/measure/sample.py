"""One labelled scan as a network takes it: what is trained on, watched while training, and scored."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Sample:
    """A scan in the network's square with its truth."""

    pixels: np.ndarray
    """uint8 [S, S, 3]."""
    labels: np.ndarray
    """int8 [5], 1 / 0 / -1 (unknown)."""
    masks: np.ndarray
    """float16 [5, S / 4, S / 4], share of the cell that the threat covers, -1 where the class is unknown."""
    source: str = "composite"
    group: str = ""
    """Samples of one group (a bag) are drawn together by the bootstrap and never divided between splits."""
    threats: list[dict[str, float | str]] = field(default_factory=list)
    """Of each threat: label, source, long side in pixels ("size"), mean darkening ("contrast"), centre x, y, box."""
