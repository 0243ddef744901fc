"""The scenarios: which requests, to which programs, and what must be the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from bench import samples
from bench.bench import Bench
from bench.counting import statements_per_request
from bench.load import Request
from bench.measure import Cost, Requests, UsedUp
from bench.race import SERVICE, race
from config.local.processes import CannotRun

RATE = 30
# What two answers to one question may differ in: they were given at two moments.
_OF_THE_MOMENT = frozenset({"computed_at", "next"})
# Bookings of one window: the barest is soon done with few.
_BOOKINGS = {"bare": 600}
_BOOKINGS_OF_OURS = 250
_BOOKINGS_PER_RULE = 100
_WINDOWS_PER_RULE = 3
_CAPPED = "with a cap on the service"
# Where any technician may come, one call may take what another was about to get.
_CONFLICTS = 0.25


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A question that is asked of several programs, over and over."""

    name: str
    group: str
    """What `--only` calls it."""
    questions: Callable[[Bench], Sequence[Request]]
    programs: Sequence[str] = ("ours",)
    statement: str = ""
    """Which statement pgbench runs by itself."""
    has_equal: bool = True
    """The bare program answers the same; without, it is only a yardstick."""


SCENARIOS = (
    Scenario(
        name="ping",
        group="list",
        questions=lambda _: [Request(path="/api/v1/ping")],
        programs=("ours", "idiomatic"),
    ),
    Scenario(
        name="list",
        group="list",
        questions=lambda bench: bench.samples.pages,
        programs=("ours", "guarded", "idiomatic"),
        statement="list",
    ),
    Scenario(
        name="availability",
        group="availability",
        questions=lambda bench: bench.samples.weeks,
        programs=("ours", "guarded"),
        statement="availability",
    ),
    Scenario(
        name="availability_30",
        group="availability",
        questions=lambda bench: bench.samples.months,
    ),
    Scenario(
        name="availability_travel",
        group="availability",
        questions=lambda bench: bench.samples.weeks_with_travel,
        has_equal=False,
    ),
    Scenario(
        name="dashboard",
        group="dashboard",
        questions=lambda bench: bench.samples.branch_days,
        programs=("ours", "guarded"),
        statement="dashboard",
    ),
    Scenario(
        name="dashboard_company",
        group="dashboard",
        questions=lambda bench: bench.samples.company_days,
        has_equal=False,
    ),
)


def measure(bench: Bench, scenario: Scenario, *, rounds: int) -> dict[str, Any]:
    """Return all figures of a scenario."""
    questions = scenario.questions(bench)
    bare, ours = bench.web("bare"), bench.web("ours")
    if scenario.has_equal:
        for question in questions:
            _refuse_difference(question, bare.answer(question), ours.answer(question))
    limit = (
        bench.limit.of_requests(scenario.statement, questions)
        if scenario.statement
        else None
    )
    return _figures(
        bench,
        partial(_same, questions),
        programs=scenario.programs,
        expect=HTTPStatus.OK,
        rounds=rounds,
        limit=limit,
    ) | {"statements": statements_per_request(bench.cluster, ours, questions)}


def measure_booking(bench: Bench, *, rounds: int) -> dict[str, Any]:
    """Return all figures of booking a named technician, without travel."""
    _refuse_different_booking(bench)
    wishes = bench.take(1000, service=samples.BOOKED, located=False)
    limit = bench.limit.of_bookings(wishes[:500])
    with _without_triggers(bench):
        without = bench.limit.of_bookings(wishes[500:])
    found = _figures(
        bench,
        lambda program: bench.bookings(_BOOKINGS.get(program, _BOOKINGS_OF_OURS)),
        programs=("ours",),
        expect=HTTPStatus.CREATED,
        rounds=rounds,
        limit=limit,
    )
    statements = statements_per_request(
        bench.cluster, bench.web("ours"), bench.bookings(40)
    )
    return found | {
        "limit_without_triggers": without.postgres,
        "statements": statements,
    }


def measure_rules(bench: Bench) -> dict[str, Any]:
    """Return what each rule adds to a booking: CPU milliseconds in all."""
    variants: dict[str, tuple[str, dict[str, bool]]] = {
        "a named technician": ("ours", {}),
        _CAPPED: ("ours", {}),
        "with an Idempotency-Key": ("ours", {"key": True}),
        "with token and limits": ("guarded", {}),
        "with travel": ("ours", {"located": True}),
        "any of 25 technicians": ("ours", {"technician": False}),
        "all of these": (
            "guarded",
            {"key": True, "located": True, "technician": False},
        ),
    }
    found = {}
    for name, (program, options) in variants.items():
        web = bench.web(program)

        def requests(_: str, options: dict[str, bool] = options) -> Sequence[Request]:
            return bench.bookings(_BOOKINGS_PER_RULE, **options)

        costs: list[Cost] = []
        with suppress(UsedUp), _caps(bench, are_set=name == _CAPPED):
            while len(costs) < _WINDOWS_PER_RULE:
                cost = bench.runner.cost(
                    web, requests, expect=HTTPStatus.CREATED, conflicts=_CONFLICTS
                )
                costs.append(cost)
        if costs:
            best = min(costs, key=lambda cost: cost.total)
            found[name] = _cost(best)
    return found


def measure_race(bench: Bench, *, rounds: int) -> dict[str, Any]:
    """Return how 64 clients fare who want one slot."""
    found = {}
    for program, times in (("ours", rounds), ("bare", 3)):
        web = bench.web(program)
        wishes = bench.take(times + 1, service=SERVICE, located=False)
        race(bench.load, web, wishes[:1], token=bench.token, rounds=1)  # warm
        result = race(bench.load, web, wishes[1:], token=bench.token, rounds=times)
        found[program] = asdict(result) | {"crashed": result.crashed}
    return found


def measure_growth(bench: Bench) -> dict[str, Any]:
    """Return what is held against the same on ten times the rows."""
    ours, runner = bench.web("ours"), bench.runner
    questions = {
        "list": bench.samples.pages,
        "availability": bench.samples.weeks,
        "dashboard_company": bench.samples.company_days,
    }
    found = {}
    for name, asked in questions.items():
        found[name] = _growing(bench, partial(_same, asked), HTTPStatus.OK)
        one = bench.load.run(
            asked, port=ours.port, connections=1, seconds=runner.seconds
        )
        found[name]["p50"] = one.p50
    found["book"] = _growing(
        bench,
        lambda _: bench.bookings(_BOOKINGS_OF_OURS),
        HTTPStatus.CREATED,
    )
    return found


def _same(questions: Sequence[Request], _: str) -> Sequence[Request]:
    return questions


def _growing(bench: Bench, requests: Requests, expect: HTTPStatus) -> dict[str, float]:
    ours = bench.web("ours")
    costs = [bench.runner.cost(ours, requests, expect=expect) for _ in range(4)]
    return _cost(min(costs[1:], key=lambda cost: cost.total))


def _figures(
    bench: Bench,
    requests: Requests,
    *,
    programs: Sequence[str],
    expect: HTTPStatus,
    rounds: int,
    limit: Cost | None,
) -> dict[str, Any]:
    found = bench.runner.compare(
        bare=bench.web("bare"),
        others={name: bench.web(name) for name in programs},
        requests=requests,
        expect=expect,
        rounds=rounds,
    )
    paced = bench.runner.at_rate(bench.web("ours"), requests, rate=RATE, expect=expect)
    return {
        "bare": _cost(found.bare),
        "costs": {name: _cost(cost) for name, cost in found.costs.items()},
        "times_bare": dict(found.times_bare),
        "rounds": found.rounds,
        "drift": found.drift,
        "is_quiet": found.is_quiet,
        "limit": limit and limit.postgres,
        "at_rate": {"p50": paced.p50, "p95": paced.p95, "p99": paced.p99},
    }


def _cost(cost: Cost) -> dict[str, float]:
    return {"web": cost.web, "postgres": cost.postgres, "rate": cost.rate}


@contextmanager
def _caps(bench: Bench, *, are_set: bool) -> Iterator[None]:
    """Let each branch take no more than so many visits a day: more than there are."""
    with bench.cluster.connect() as rows:
        if are_set:
            rows.execute(
                "INSERT INTO appointments_cap"
                " (id, location_id, service_id, most, created_at, updated_at)"
                " SELECT gen_random_uuid(), branch.id, service.id, 30000, now(), now()"
                " FROM core_location AS branch, appointments_service AS service"
                " WHERE service.code = %s ON CONFLICT DO NOTHING",
                (samples.BOOKED,),
            )
        yield
        if are_set:
            rows.execute("DELETE FROM appointments_cap WHERE most = 30000")


def _refuse_difference(question: Request, bare: Any, ours: Any) -> None:
    """Let nothing be compared that does not do the same."""
    where = _difference(bare, ours)
    if where:
        raise CannotRun(
            f"bare and ours answer {question.method} {question.path} differently, "
            f"at {where}"
        )


def _difference(bare: Any, ours: Any, path: str = "") -> str:
    """Return where two answers differ, or "" if they are the same."""
    if isinstance(bare, dict) and isinstance(ours, dict):
        keys = sorted({*bare, *ours} - _OF_THE_MOMENT)
        parts = [(f"{path}/{key}", bare.get(key), ours.get(key)) for key in keys]
    elif isinstance(bare, list) and isinstance(ours, list) and len(bare) == len(ours):
        pairs = enumerate(zip(bare, ours, strict=True))
        parts = [(f"{path}/{number}", *pair) for number, pair in pairs]
    else:
        return "" if bare == ours else f"{path}: {bare!r} and {ours!r}"
    return next(filter(None, (_difference(b, o, at) for at, b, o in parts)), "")


def _refuse_different_booking(bench: Bench) -> None:
    """See that ours shows a visit booked by the bare program as that one did."""
    (request,) = bench.bookings(1)
    booked: Mapping[str, Any] = bench.web("bare").answer(request)
    again = Request(path=f"{request.path}/{booked['id']}", headers=request.headers)
    _refuse_difference(request, booked, bench.web("ours").answer(again))


@contextmanager
def _without_triggers(bench: Bench) -> Iterator[None]:
    """Let nothing be derived from bookings for a while."""
    _switch_triggers(bench, "DISABLE")
    try:
        yield
    finally:
        _switch_triggers(bench, "ENABLE")


def _switch_triggers(bench: Bench, word: str) -> None:
    with bench.cluster.connect() as rows:
        for table in ("appointments_appointment", "appointments_assignment"):
            rows.execute(f"ALTER TABLE {table} {word} TRIGGER USER")
