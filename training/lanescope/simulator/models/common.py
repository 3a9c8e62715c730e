"""Parts that several models share."""

from __future__ import annotations

from ..solid import X_AXIS, Solid, circle, prism, revolve


def tube(x0: float, x1: float, y: float, outer: float, inner: float, material: str) -> Solid:
    """A tube (or rod) along x at height y."""
    loops = [circle(outer / 2)] + ([circle(inner / 2, hole=True)] if inner > 0 else [])
    return prism(loops, x0, x1, material).moved(X_AXIS, (0, y, 0))


def spring(x0: float, x1: float, y: float, radius: float, turns: int) -> Solid:
    """A coil spring seen as beads: what it looks like in a scan."""
    profile = [(0.0, x0)]
    for i in range(turns):
        a, b = x0 + (x1 - x0) * i / turns, x0 + (x1 - x0) * (i + 0.5) / turns
        profile += [(radius, a + 0.01), (radius, b), (radius * 0.55, b + 0.01), (radius * 0.55, x0 + (x1 - x0) * (i + 1) / turns)]
    profile.append((0.0, x1))
    return revolve(profile, "steel", 8).moved(X_AXIS, (0, y, 0))
