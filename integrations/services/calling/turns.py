"""One caller's turns: waited for one by one, or a few of them at once."""

import random
import time
from datetime import timedelta
from uuid import UUID

from integrations.rules.pace import Pace, Turn
from integrations.rules.refusals import Postponed
from integrations.services.calling import budget


class Turns:
    """Takes turns out of the budget of a connection."""

    def __init__(self, connection_id: UUID) -> None:
        self._connection_id = connection_id
        self._reserved = self._left = 0

    def reserve(self, turns: int) -> None:
        """Have the next wait be for the turns of so many calls after it as well."""
        self._reserved = turns

    def wait(self, pace: Pace, *, patience: float) -> None:
        """Wait for a turn, unless one is left of an earlier wait.

        Raises:
            Postponed: none comes within `patience` seconds.
        """
        if self._left:
            self._left -= 1
            return
        turn = self._next(pace, patience=patience)
        if not turn.granted:
            spread = random.uniform(0, 1)  # noqa: S311  # no secret
            raise Postponed(
                "The vendor has been called often enough for now.",
                retry_after=timedelta(seconds=turn.wait + spread),
            )
        time.sleep(self._last(turn, pace, patience=patience).wait)

    def _last(self, turn: Turn, pace: Pace, *, patience: float) -> Turn:
        """Book what was reserved, as far as it comes soon; return the last turn.

        A slow vendor's turns come one by one: then the calls wait for themselves.
        """
        wanted, self._reserved = self._reserved, 0
        for _ in range(wanted):
            following = self._next(pace, patience=patience)
            if not following.granted:
                break
            turn = following
            self._left += 1
        return turn

    def _next(self, pace: Pace, *, patience: float) -> Turn:
        return budget.next_turn(
            connection_id=self._connection_id, pace=pace, patience=patience
        )
