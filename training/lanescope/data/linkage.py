"""Single linkage: what is linked to a member of a group belongs to the group."""

from __future__ import annotations

from collections.abc import Iterable


def linked(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """The group of each of `count` things, named by its smallest member.

    Args:
        links: pairs of things that belong together.
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in links:
        a, b = sorted((root(int(i)), root(int(j))))
        parent[b] = a
    return [root(i) for i in range(count)]
