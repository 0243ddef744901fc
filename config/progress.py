"""A progress bar of our own: one line per step, with its rate."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper

_WIDTH = 24
_SECONDS_BETWEEN_DRAWINGS = 0.1


class Bar:
    """How far one step has come."""

    def __init__(self, out: OutputWrapper, what: str, total: int) -> None:
        self._out, self._what, self._total = out, what, max(total, 1)
        self._is_watched = out.isatty()
        self._began = self._drawn = time.monotonic()
        self.count = 0

    def advance(self, by: int = 1) -> None:
        self.count += by
        now = time.monotonic()
        if self._is_watched and now - self._drawn > _SECONDS_BETWEEN_DRAWINGS:
            self._drawn = now
            self.draw()

    def draw(self, end: str = "") -> None:
        seconds = time.monotonic() - self._began
        full = _WIDTH * min(self.count, self._total) // self._total
        bar = "#" * full + "." * (_WIDTH - full)
        rate = self.count / seconds if seconds > 0 else 0
        start = "\r" if self._is_watched else ""
        self._out.write(
            f"{start}{self._what:<28} [{bar}] {self.count:>9,}"
            f" {seconds:>6.1f} s {rate:>9,.0f}/s",
            ending=end,
        )
        self._out.flush()


class Progress:
    """Draws a bar per step; where nobody watches, each step is one line at its end."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out

    @contextmanager
    def step(self, what: str, *, total: int = 1) -> Iterator[Bar]:
        """Show a step of `total` things; the block advances the bar."""
        bar = Bar(self._out, what, total)
        bar.draw() if self._out.isatty() else None
        yield bar
        bar.draw(end="\n")
