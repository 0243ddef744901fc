"""docs/performance.md, written from the results."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Results = Mapping[str, Any]

_TITLES = {
    "ping": "nothing (a view that says ok)",
    "list": "list: 50 visits of a branch and day",
    "availability": "availability: 25 technicians, 7 days",
    "availability_30": "availability: 25 technicians, 30 days",
    "availability_travel": "availability: 7 days, with travel",
    "dashboard": "dashboard of a branch, 7 days",
    "dashboard_company": "dashboard of all 8 branches, 7 days",
    "book": "book a named technician",
}

_INTRO = """\
# Performance

Written by `bench/run --full --keep`; the figures are `bench/results/latest.json`. Run
`bench/run --quick` to see where your machine stands: it brings up a PostgreSQL and a
Valkey of its own, makes its data once, and needs gcc for its load generator.
"""

_METHOD = """\
## What is measured

- **limit** is the barest program's SQL alone, through pgbench, prepared, one client.
- **bare** is that SQL in a WSGI program without a framework: psycopg, dicts, orjson,
  granian. It answers the same JSON; the bench compares every answer before it starts,
  and refuses to run where one differs. It knows only the rules that these requests
  make use of, and believes whoever asks.
- **ours** is production's settings with the doors open: nobody is asked who they are.
  **guarded** has tokens and rate limits on.
- **by the book** is a frozen DRF project as tutorials have it, on the same tables.

All are served by the same granian with two processes of four threads; load generator,
server and database share the machine. CPU is user and system time per request of the
web server's and of PostgreSQL's processes, from `/proc`; Valkey's is not counted. The
programs take turns, each between two windows of the bare one, and a round counts only
if those two differ by at most 10 %. Ratios are medians of rounds. Latencies come from
an open loop at 30 requests a second and count from when each request was due. `q` is
the number of SQL statements per request as `pg_stat_statements` counts them, without
BEGIN, COMMIT, savepoints and PostgreSQL's own checks of foreign keys.

Milliseconds depend on the machine and on who else uses it; only ratios are goals.
"""

_PEERS = """\
## Other products

Not run by this bench. Measured once by hand on 2 cores, with the same amount of data
(1.74 million visits, 25 technicians, 7 days of availability): Easy!Appointments 1.6.0
took 4,660 ms of CPU for availability, 286 ms for a list of 50 and 1,740 ms for a
booking; django-appointment 3.12 took 3,270 ms and 19 ms; django-scheduler 0.12 took
211 s for availability. Of 64 clients who wanted one free slot 4 got it from
Easy!Appointments (as many as it had PHP processes) and 64 from django-appointment.
"""


def write_page(results: Results, file: Path) -> None:
    """Write the page."""
    parts = [
        _INTRO,
        _machine(results),
        _section("Results", _scenarios(results)),
        _section("64 clients, one slot", _races(results)),
        _section("What the rules of a booking cost", _rules(results)),
        _section("Ten times the data", _growth(results)),
        _section("Plans", _plans(results)),
        _section("Goals", _goals(results)),
        _METHOD,
        _PEERS,
    ]
    file.write_text("\n".join(filter(None, parts)))


def _machine(results: Results) -> str:
    machine, rows = results["machine"], results["rows"]
    return (
        f"Measured {results['when']} at commit `{results['commit']}`: "
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, "
        f"Linux {machine['kernel']}, PostgreSQL {machine['postgres']}, Python "
        f"{machine['python']}; {rows['visits']:,} visits, 200 technicians in 8 "
        f"branches; windows of {results['windows']:g} s. The load average before it "
        f"began was {machine['load']:.1f}"
        + (
            ": others used the machine, so milliseconds are too high.\n"
            if machine["load"] > 1
            else ".\n"
        )
    )


def _section(title: str, lines: Iterator[str]) -> str:
    text = "\n".join(lines)
    return f"## {title}\n\n{text}\n" if text else ""


def _scenarios(results: Results) -> Iterator[str]:
    yield "CPU milliseconds per request, web + PostgreSQL.\n"
    yield (
        "| | limit | bare | ours | ours / bare | guarded / bare |"
        " ours / by the book | requests/s | p50 / p95 / p99 ms | q |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, found in results["scenarios"].items():
        paced = found["at_rate"]
        cells = [
            _TITLES[name],
            _two(found["limit"]),
            _pair(found["bare"]),
            _pair(found["costs"]["ours"]),
            _two(found["times_bare"]["ours"]) + ("" if found["is_quiet"] else " *"),
            _two(found["times_bare"].get("guarded")),
            _by_the_book(found),
            f"{found['costs']['ours']['rate']:.0f}",
            f"{paced['p50']:.1f} / {paced['p95']:.1f} / {paced['p99']:.1f}",
            f"{found['statements']:g}",
        ]
        yield f"| {' | '.join(cells)} |"
    if any(not found["is_quiet"] for found in results["scenarios"].values()):
        yield "\n\\* too noisy for a verdict: the bare windows differ by over 10 %."


def _races(results: Results) -> Iterator[str]:
    for name, found in results.get("race", {}).items():
        yield (
            f"- **{name}**: {found['rounds']} rounds, winners per round "
            f"{min(found['winners'])} to {max(found['winners'])}, answers of 500 and "
            f"above {found['crashed']}, slowest {found['slowest']:.0f} ms, "
            f"{found['attempts_per_second']:.0f} attempts a second."
        )


def _rules(results: Results) -> Iterator[str]:
    rules: Mapping[str, Mapping[str, float]] = results.get("rules", {})
    if not rules:
        return
    base = _total(next(iter(rules.values())))
    yield "| | CPU ms | against the first |"
    yield "|---|---|---|"
    for name, cost in rules.items():
        yield f"| {name} | {_pair(cost)} | {_total(cost) - base:+.2f} |"


def _growth(results: Results) -> Iterator[str]:
    if "growth" not in results:
        return
    yield "200,000 visits against 2,000,000: PostgreSQL's CPU per request, and wall.\n"
    yield "| | 1x | 10x | times | p50 1x | p50 10x |"
    yield "|---|---|---|---|---|---|"
    for name, found in results["growth"].items():
        one, ten = found["one"], found["ten"]
        yield (
            f"| {_TITLES[name]} | {one['postgres']:.3f} | {ten['postgres']:.3f} | "
            f"{ten['postgres'] / one['postgres']:.2f} | {_two(one.get('p50'))} | "
            f"{_two(ten.get('p50'))} |"
        )


def _plans(results: Results) -> Iterator[str]:
    if "plans" not in results:
        return
    yield (
        "What the statements of a request really did, by `auto_explain`: rows read, "
        "those thrown away included, and the indexes used.\n"
    )
    yield "| request | rows | blocks | indexes | verdict |"
    yield "|---|---|---|---|---|"
    for plan in results["plans"]:
        indexes = ", ".join(f"`{name}`" for name in plan["indexes"])
        yield (
            f"| {plan['question']} | {plan['rows_read']:,} | {plan['blocks']:,} | "
            f"{indexes} | {'; '.join(plan['faults']) or 'ok'} |"
        )


def _goals(results: Results) -> Iterator[str]:
    yield "| | what | measured | goal | |"
    yield "|---|---|---|---|---|"
    for goal in results["goals"]:
        sign = "at least" if goal["at_least"] else "at most"
        verdict = "reached" if goal["passed"] else "**missed**"
        yield (
            f"| {goal['code']} | {goal['what']} | {goal['value']:.3f} | "
            f"{sign} {goal['gate']:.3g} | {verdict} |"
        )


def _pair(cost: Mapping[str, float]) -> str:
    return f"{cost['web']:.2f} + {cost['postgres']:.2f}"


def _total(cost: Mapping[str, float]) -> float:
    return cost["web"] + cost["postgres"]


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _by_the_book(found: Mapping[str, Any]) -> str:
    book = found["costs"].get("idiomatic")
    if book is None:
        return ""
    return f"1/{_total(book) / _total(found['costs']['ours']):.1f}"
