"""Which ways are asked for together: one place against many, none in vain."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from core.travel import Place

Way = tuple[Place, Place]


@dataclass(frozen=True, slots=True)
class Batch:
    """A question of a matrix: each origin to each destination."""

    origins: tuple[Place, ...]
    destinations: tuple[Place, ...]


def batches(ways: Collection[Way], *, most: int) -> list[Batch]:
    """Return the questions that cover these ways, `most` ways each at most.

    Each has a single place on one side, so that nothing is asked, and paid for, that
    nobody wants. Wishes share a place, so the questions are few.
    """
    left = sorted(set(ways))
    asked: list[Batch] = []
    while left:
        side, hub = _hub(left)
        mine = [way for way in left if way[side] == hub][:most]
        others = tuple(way[1 - side] for way in mine)
        asked.append(Batch((hub,), others) if side == 0 else Batch(others, (hub,)))
        taken = set(mine)
        left = [way for way in left if way not in taken]
    return asked


def _hub(ways: list[Way]) -> tuple[int, Place]:
    """Return the place that most ways begin or end at, and on which side it stands."""
    counts = Counter((side, way[side]) for way in ways for side in (0, 1))
    return max(counts, key=lambda each: (counts[each], each))
