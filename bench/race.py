"""64 clients want one slot: who gets it, and how long does the last one wait?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice

from bench.load import LoadGenerator, Outcome
from bench.samples import Wish
from bench.web import Web

CLIENTS = 64
# So long that no second one fits into the same window.
SERVICE = "refrigerant-leak-repair"
# A stalled rival may take long; more than this tells nothing new.
_MOST_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class RaceResult:
    """What all rounds came to."""

    rounds: int
    winners: Sequence[int]
    statuses: dict[str, int]
    broken: int
    slowest: float
    p50: float
    attempts_per_second: float

    @property
    def crashed(self) -> int:
        return self.broken + sum(
            count
            for status, count in self.statuses.items()
            if int(status) >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


def race(
    load: LoadGenerator, web: Web, wishes: Sequence[Wish], *, token: str, rounds: int
) -> RaceResult:
    """Let all clients send the same wish at once, for a new slot each round."""
    outcomes = [_round(load, web, wish, token=token) for wish in islice(wishes, rounds)]
    statuses: Counter[str] = Counter()
    for outcome in outcomes:
        statuses.update(outcome.statuses)
    return RaceResult(
        rounds=len(outcomes),
        winners=[outcome.answered(HTTPStatus.CREATED) for outcome in outcomes],
        statuses=dict(sorted(statuses.items())),
        broken=sum(outcome.failed for outcome in outcomes),
        slowest=max(outcome.slowest for outcome in outcomes),
        p50=sorted(outcome.p50 for outcome in outcomes)[len(outcomes) // 2],
        attempts_per_second=sum(outcome.done for outcome in outcomes)
        / sum(outcome.seconds for outcome in outcomes),
    )


def _round(load: LoadGenerator, web: Web, wish: Wish, *, token: str) -> Outcome:
    request = wish.request(token, technician=True, key=False)
    return load.run(
        [request],
        port=web.port,
        connections=CLIENTS,
        seconds=_MOST_SECONDS,
        most=CLIENTS,
    )
