"""The one label code (docs/MODEL_CONTRACT.md): what a scan, a peak or a mask's cell says of a class."""

from __future__ import annotations

import numpy as np

PRESENT, ABSENT, UNKNOWN = 1, 0, -1
"""The class is there (the peak hit, the cell is threat); it is not; never annotated or difficult: left out for that class."""


def checked(labels: np.ndarray) -> np.ndarray:
    """The labels as int8.

    Raises:
        ValueError: one of them is no 1, 0 or -1.
    """
    given = np.asarray(labels)
    strange = ~np.isin(given, (PRESENT, ABSENT, UNKNOWN))
    if strange.any():
        raise ValueError(f"a label must be 1 (present), 0 (absent) or -1 (unknown), not {given[strange].flat[0]}")
    return given.astype(np.int8)
