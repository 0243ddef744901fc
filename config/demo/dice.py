"""Chance that falls the same way each time."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from core.ids import ALPHABET, uuid7_from

T = TypeVar("T")

# Odd, so that multiplying by it permutes the 40 bits of a reference: different
# numbers make different references, and neighbours do not look alike.
_SCRAMBLE = 0x9E_3779_B97F | 1
_REFERENCE_BITS = 40
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


class Dice(random.Random):  # noqa: S311  # nothing here is a secret
    """A source of chance with a name: the same name and seed, the same throws."""

    def __init__(self, seed: object) -> None:
        self.name = str(seed)
        super().__init__(self.name)

    def fork(self, topic: object) -> "Dice":
        """Return dice of their own: a throw more here moves nothing there."""
        return Dice(f"{self.name}/{topic}")

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, weighted: Mapping[T, float]) -> T:
        """Return one key; the values say how often each comes."""
        return self.choices(list(weighted), weights=list(weighted.values()))[0]

    def between(self, low: timedelta, high: timedelta) -> timedelta:
        """Return a length in whole minutes within [low, high]."""
        minute = timedelta(minutes=1)
        return self.randint(low // minute, high // minute) * minute

    def uuid(self, moment: datetime) -> UUID:
        """Return a UUIDv7 as it would have been made at that moment."""
        return uuid7_from(
            milliseconds=int(moment.timestamp() * 1000),
            random_bits=self.getrandbits(74),
        )

    def some(self, options: Sequence[T], *, at_most: int) -> list[T]:
        """Return up to `at_most` different options, in no order."""
        return self.sample(options, min(at_most, len(options)))


def reference(prefix: str, number: int) -> str:
    """Return the reference of the n-th thing: no two alike below 2**40."""
    bits = number * _SCRAMBLE & (1 << _REFERENCE_BITS) - 1
    pairs = (_PAIRS[bits >> shift & 0x3FF] for shift in (30, 20, 10, 0))
    return f"{prefix}-{''.join(pairs)}"
