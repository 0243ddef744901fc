"""What is to be reached: ratios only, since milliseconds depend on the machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]
"""What `bench.scenarios` measured, as it is written to results/latest.json."""

# Quick runs are short, on fewer rows: their verdict has so much slack.
QUICK_SLACK = 1.15


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A ratio that must not be passed."""

    code: str
    what: str
    gate: float
    measured: Callable[[Results], float]
    stretch: float | None = None
    at_least: bool = False
    exact: bool = False
    """No slack, however quick: it is a count."""

    def verdict(self, results: Results, *, is_quick: bool) -> dict[str, Any] | None:
        """Return how it stands, or None where it was not measured."""
        try:
            value = self.measured(results)
        except KeyError:
            return None
        slack = 1 if self.exact or not is_quick else QUICK_SLACK
        passed = (
            value >= self.gate / slack if self.at_least else value <= self.gate * slack
        )
        return {
            "code": self.code,
            "what": self.what,
            "value": round(value, 3),
            "gate": self.gate,
            "stretch": self.stretch,
            "at_least": self.at_least,
            "passed": passed,
        }


def _times_bare(scenario: str, program: str = "ours") -> Callable[[Results], float]:
    return lambda results: float(results["scenarios"][scenario]["times_bare"][program])


def _total(cost: Mapping[str, float]) -> float:
    return cost["web"] + cost["postgres"]


def _against(scenario: str, other: str) -> Callable[[Results], float]:
    def ratio(results: Results) -> float:
        costs = results["scenarios"][scenario]["costs"]
        return _total(costs["ours"]) / _total(costs[other])

    return ratio


def _booking_to_limit(results: Results) -> float:
    found = results["scenarios"]["book"]
    return _total(found["costs"]["ours"]) / float(found["limit"])


def _months_to_weeks(results: Results) -> float:
    found = results["scenarios"]
    return _total(found["availability_30"]["costs"]["ours"]) / _total(
        found["availability"]["costs"]["ours"]
    )


def _triggers(results: Results) -> float:
    found = results["scenarios"]["book"]
    return float(found["limit"]) / float(found["limit_without_triggers"])


def _attempts(results: Results) -> float:
    found = results["race"]
    return float(
        found["ours"]["attempts_per_second"] / found["bare"]["attempts_per_second"]
    )


def _wall_growth(results: Results) -> float:
    found = results["growth"]["dashboard_company"]
    return float(found["ten"]["p50"]) / float(found["one"]["p50"])


def _postgres_growth(scenario: str) -> Callable[[Results], float]:
    def ratio(results: Results) -> float:
        found = results["growth"][scenario]
        return float(found["ten"]["postgres"]) / float(found["one"]["postgres"])

    return ratio


def _tax(results: Results) -> float:
    costs = results["scenarios"]["ping"]
    return _total(costs["costs"]["ours"]) - _total(costs["bare"])


def _statements(scenario: str) -> Callable[[Results], float]:
    return lambda results: float(results["scenarios"][scenario]["statements"])


GOALS = (
    Goal(
        code="G1",
        what="list: CPU against the bare program",
        gate=1.7,
        stretch=1.45,
        measured=_times_bare("list"),
    ),
    Goal(
        code="G2",
        what="list with tokens and limits: CPU against bare",
        gate=2.1,
        stretch=1.75,
        measured=_times_bare("list", "guarded"),
    ),
    Goal(
        code="G3",
        what="list: CPU against DRF by the book",
        gate=1 / 9,
        stretch=1 / 13,
        measured=_against("list", "idiomatic"),
    ),
    Goal(
        code="G4",
        what="availability, 25 technicians, 7 days: CPU against bare multiranges",
        gate=0.32,
        stretch=0.22,
        measured=_times_bare("availability"),
    ),
    Goal(
        code="G5",
        what="availability, 30 days against 7 (4.3 times the cells): CPU",
        gate=30 / 7,
        measured=_months_to_weeks,
    ),
    Goal(
        code="G6",
        what="booking: CPU against pgbench with the same SQL and triggers",
        gate=3.3,
        stretch=2.7,
        measured=_booking_to_limit,
    ),
    Goal(
        code="G7",
        what="booking: CPU against bare",
        gate=1.8,
        stretch=1.55,
        measured=_times_bare("book"),
    ),
    Goal(
        code="G8",
        what="derived rows: pgbench booking with triggers against without",
        gate=1.6,
        stretch=1.4,
        measured=_triggers,
    ),
    Goal(
        code="G9 winners",
        what="64 clients, one slot: most winners in any round",
        gate=1,
        exact=True,
        measured=lambda results: float(max(results["race"]["ours"]["winners"])),
    ),
    Goal(
        code="G9 losers",
        what="64 clients, one slot: fewest winners in any round",
        gate=1,
        exact=True,
        at_least=True,
        measured=lambda results: float(min(results["race"]["ours"]["winners"])),
    ),
    Goal(
        code="G9 5xx",
        what="64 clients, one slot: answers of 500 and above",
        gate=0,
        exact=True,
        measured=lambda results: float(results["race"]["ours"]["crashed"]),
    ),
    Goal(
        code="G9 slowest",
        what="64 clients, one slot: slowest answer in seconds",
        gate=1,
        exact=True,
        measured=lambda results: results["race"]["ours"]["slowest"] / 1000,
    ),
    Goal(
        code="G10",
        what="contended attempts a second against a plain exclusion INSERT",
        gate=2,
        at_least=True,
        measured=_attempts,
    ),
    Goal(
        code="G11",
        what="dashboard of a branch: CPU against bare plain SQL",
        gate=0.12,
        stretch=0.07,
        measured=_times_bare("dashboard"),
    ),
    Goal(
        code="G12",
        what="dashboard of the company: wall at 10x rows against 1x",
        gate=12,
        stretch=2,
        measured=_wall_growth,
    ),
    *(
        Goal(
            code=f"G13 {name}",
            what=f"{name}: PostgreSQL's CPU at 10x rows against 1x",
            gate=1.6,
            stretch=1.3,
            measured=_postgres_growth(name),
        )
        for name in ("list", "availability", "book")
    ),
    Goal(
        code="G14",
        what="what the framework costs: ping against bare, in ms",
        gate=0.22,
        stretch=0.16,
        measured=_tax,
    ),
    *(
        Goal(
            code=f"G16 {name}",
            what=f"{name}: statements per request",
            gate=most,
            exact=True,
            measured=_statements(name),
        )
        for name, most in (
            ("list", 1),
            ("availability", 1),
            ("book", 1),
            ("dashboard", 3),
        )
    ),
)


def verdicts(results: Results, *, is_quick: bool) -> list[dict[str, Any]]:
    """Return how each goal stands that was measured."""
    found = (goal.verdict(results, is_quick=is_quick) for goal in GOALS)
    return [each for each in found if each is not None]
