"""The five prohibited classes as parametric solids with real dimensions, each call a new model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .models.gun import outline_gun, pistol, revolver
from .models.hinged import pliers, scissors
from .models.knife import box_cutter, dagger, folding_knife, kitchen_knife
from .models.wrench import adjustable, pipe_wrench, socket_wrench, spanner
from .sketch import Rng
from .solid import Solid

MODELS: dict[str, tuple[tuple[Callable[[Rng], Solid], float], ...]] = {
    "gun": ((pistol, 0.6), (revolver, 0.28), (outline_gun, 0.12)),
    "knife": ((kitchen_knife, 0.45), (dagger, 0.2), (folding_knife, 0.22), (box_cutter, 0.13)),
    "wrench": ((spanner, 0.5), (adjustable, 0.28), (pipe_wrench, 0.1), (socket_wrench, 0.12)),
    "pliers": ((pliers, 1.0),),
    "scissors": ((scissors, 1.0),),
}


def threat(label: str, rng: Rng) -> tuple[Solid, str]:
    """A new model of one of the five classes, centred, and its source name (e.g. "shape:pistol")."""
    makers = MODELS[label]
    weights = np.array([weight for _, weight in makers])
    maker = makers[int(rng.choice(len(makers), p=weights / weights.sum()))][0]
    return maker(rng).centred(), f"shape:{maker.__name__}"
