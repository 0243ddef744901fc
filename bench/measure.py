"""Windows of load, one program after the other and over again, and their medians."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from statistics import median

from bench.cluster import Cluster
from bench.cpu import seconds_of_tree
from bench.load import LoadGenerator, Outcome, Request
from bench.web import Web
from config.local.processes import CannotRun

CONNECTIONS = 4
# Where the bare program costs so much more before than after ours, it was not ours
# that made the difference.
MOST_DRIFT = 0.10
# Not every noisy round is the last word: so many more are tried.
TRIES_PER_ROUND = 3


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Processor milliseconds per request, of the web server and of PostgreSQL."""

    web: float
    postgres: float
    rate: float = 0.0

    @property
    def total(self) -> float:
        return self.web + self.postgres


@dataclass(frozen=True, kw_only=True)
class Round:
    """One window of each program between two of the barest."""

    before: Cost
    costs: Mapping[str, Cost]
    after: Cost

    @property
    def drift(self) -> float:
        low, high = sorted((self.before.total, self.after.total))
        return high / low - 1

    def times_bare(self, name: str) -> float:
        bare = (self.before.total + self.after.total) / 2
        return self.costs[name].total / bare


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What all rounds came to."""

    bare: Cost
    costs: Mapping[str, Cost]
    times_bare: Mapping[str, float]
    rounds: int
    drift: float
    """Of the quiet rounds, or of all where too few were quiet."""
    is_quiet: bool


Requests = Callable[[str], Sequence[Request]]
"""Gives a program the requests of its next window: a booking can be sent only once."""


class UsedUp(Exception):
    """There are no more requests of that kind."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs windows on the servers of one bench."""

    cluster: Cluster
    load: LoadGenerator
    seconds: float

    def cost(
        self,
        web: Web,
        requests: Requests,
        *,
        expect: HTTPStatus,
        conflicts: float = 0,
    ) -> Cost:
        """Send as fast as answers come, and return what each request took.

        At most that share of the answers may be a 409.
        """
        sent = requests(web.name)
        once = sent if expect == HTTPStatus.CREATED else ()
        web_before = seconds_of_tree(web.pid)
        postgres_before = seconds_of_tree(self.cluster.postgres_pid)
        outcome = self.load.run(
            sent,
            port=web.port,
            connections=CONNECTIONS,
            seconds=self.seconds,
            most=len(once),
        )
        web_used = seconds_of_tree(web.pid) - web_before
        postgres_used = seconds_of_tree(self.cluster.postgres_pid) - postgres_before
        refuse_others(web, outcome, expect, conflicts=conflicts)
        return Cost(
            web=web_used * 1000 / outcome.done,
            postgres=postgres_used * 1000 / outcome.done,
            rate=outcome.rate,
        )

    def at_rate(
        self, web: Web, requests: Requests, *, rate: float, expect: HTTPStatus
    ) -> Outcome:
        """Send at a fixed rate, whatever the server does."""
        sent = requests(web.name)
        outcome = self.load.run(
            sent,
            port=web.port,
            connections=32,
            seconds=max(self.seconds, 2),
            rate=rate,
            most=len(sent) if expect == HTTPStatus.CREATED else 0,
        )
        refuse_others(web, outcome, expect)
        return outcome

    def compare(
        self,
        *,
        bare: Web,
        others: Mapping[str, Web],
        requests: Requests,
        expect: HTTPStatus,
        rounds: int,
    ) -> Comparison:
        """Alternate until enough rounds were quiet, or the tries are used up."""
        for web in (bare, *others.values()):  # caches, prepared statements
            self.cost(web, requests, expect=expect)
        tried: list[Round] = []
        before = self.cost(bare, requests, expect=expect)
        while len(tried) < rounds * TRIES_PER_ROUND and len(_quiet(tried)) < rounds:
            try:
                costs = {
                    name: self.cost(web, requests, expect=expect)
                    for name, web in others.items()
                }
                after = self.cost(bare, requests, expect=expect)
            except UsedUp:
                if not tried:
                    raise
                break
            tried.append(Round(before=before, costs=costs, after=after))
            before = after
        return _summary(tried, rounds=rounds)


def refuse_others(
    web: Web, outcome: Outcome, expect: HTTPStatus, *, conflicts: float = 0
) -> None:
    """Let no window count in which something else was answered."""
    refused = outcome.answered(HTTPStatus.CONFLICT)
    as_asked = outcome.answered(expect) + min(refused, conflicts * outcome.done)
    if outcome.failed or as_asked != outcome.done:
        raise CannotRun(
            f"{web.name} answered {dict(outcome.statuses)}, and broke {outcome.failed} "
            f"connections, where {expect:d} was expected. The first refusal:\n"
            f"{outcome.refusal}"
        )


def _quiet(tried: Iterable[Round]) -> list[Round]:
    return [each for each in tried if each.drift <= MOST_DRIFT]


def _summary(tried: list[Round], *, rounds: int) -> Comparison:
    quiet = _quiet(tried)
    is_quiet = len(quiet) >= rounds
    used = quiet if is_quiet else tried
    names = used[0].costs
    return Comparison(
        bare=_median([each.before for each in used] + [each.after for each in used]),
        costs={name: _median([each.costs[name] for each in used]) for name in names},
        times_bare={
            name: median(each.times_bare(name) for each in used) for name in names
        },
        rounds=len(used),
        drift=max(each.drift for each in used),
        is_quiet=is_quiet,
    )


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        web=median(cost.web for cost in costs),
        postgres=median(cost.postgres for cost in costs),
        rate=median(cost.rate for cost in costs),
    )
