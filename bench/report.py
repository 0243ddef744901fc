"""Show results: a table at the terminal, and docs/performance.md."""

from collections.abc import Iterator, Mapping
from typing import Any

Results = Mapping[str, Any]
_HEAD = (
    f"{'endpoint':<20}{'limit pg':>9}{'bare web+pg':>15}{'ours web+pg':>15}"
    f"{'x bare':>8}{'guarded':>9}{'by book':>9}{'rps':>7}{'p50/p95/p99 @30':>19}"
    f"{'q':>6}"
)


def table(results: Results) -> str:
    """Return the results as a person at a terminal reads them."""
    return "\n".join([_machine(results), "", *_scenarios(results), *_rest(results)])


def _machine(results: Results) -> str:
    machine = results["machine"]
    return (
        f"machine {machine['cores']} cores  load {machine['load']:.1f}  "
        f"rows {results['rows']['visits']:,}  commit {results['commit']}  "
        f"{results['when']}"
    )


def _scenarios(results: Results) -> Iterator[str]:
    if results["scenarios"]:
        yield _HEAD
    for name, found in results["scenarios"].items():
        yield "".join(
            [
                f"{name:<20}",
                f"{_number(found['limit']):>9}",
                f"{_pair(found['bare']):>15}",
                f"{_pair(found['costs']['ours']):>15}",
                f"{found['times_bare']['ours']:>8.2f}",
                f"{_number(found['times_bare'].get('guarded')):>9}",
                f"{_by_the_book(found):>9}",
                f"{found['costs']['ours']['rate']:>7.0f}",
                f"{_latency(found):>19}",
                f"{found['statements']:>6g}",
                "" if found["is_quiet"] else f"  NOISY ({found['drift']:.0%})",
            ]
        )


def _rest(results: Results) -> Iterator[str]:
    for name, found in results.get("race", {}).items():
        yield (
            f"race 64->1 {name:<9}winners {min(found['winners'])}-"
            f"{max(found['winners'])} x{found['rounds']}  {found['statuses']}  "
            f"5xx={found['crashed']}  slowest {found['slowest']:.0f} ms  "
            f"{found['attempts_per_second']:.0f} attempts/s"
        )
    for name, cost in results.get("rules", {}).items():
        yield f"booking, {name:<28}{_pair(cost):>15} ms"
    for plan in results.get("plans", ()):
        yield (
            f"plan {plan['question']:<14}{plan['rows_read']:>7,} rows "
            f"{plan['blocks']:>6,} blocks  {'; '.join(plan['faults']) or 'ok'}  "
            f"{plan['statement'][:60]}"
        )
    yield ""
    for goal in results["goals"]:
        sign = ">=" if goal["at_least"] else "<="
        verdict = "PASS" if goal["passed"] else "FAIL"
        yield (
            f"{verdict}  {goal['code']:<17}{goal['value']:>9.3f} {sign} "
            f"{goal['gate']:.3f}  {goal['what']}"
        )
    yield "----  G15 peers are not run here: docs/performance.md has the figures."


def _pair(cost: Mapping[str, float]) -> str:
    return f"{cost['web']:.3f}+{cost['postgres']:.3f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _by_the_book(found: Mapping[str, Any]) -> str:
    """Return which part ours is of the tutorial's program."""
    book = found["costs"].get("idiomatic")
    if book is None:
        return ""
    ours = found["costs"]["ours"]
    factor = (book["web"] + book["postgres"]) / (ours["web"] + ours["postgres"])
    return f"1/{factor:.1f}"


def _latency(found: Mapping[str, Any]) -> str:
    paced = found["at_rate"]
    return f"{paced['p50']:.1f}/{paced['p95']:.1f}/{paced['p99']:.1f}"
