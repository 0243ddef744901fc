"""What a run shows, as Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.account import Account
from tests.chaos.people import Ledger
from tests.chaos.waiting import Spread

MOST_PROBLEMS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long it took, and how long things were on their way."""

    calm: float
    storm: float
    drained: float | None
    """Seconds since the last fault and the last event; None: not in the time given."""
    to_listener: Mapping[str, Spread]
    to_vendor: Mapping[str, Spread]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How often who was told what."""

    attempts: Mapping[str, int]
    vendor: Mapping[str, int]
    found_by_reading: int


def text(
    *,
    title: str,
    ledger: Ledger,
    faults: Mapping[str, int],
    told: Told,
    times: Times,
    account: Account,
) -> str:
    """Return the report."""
    drained = "never" if times.drained is None else f"{times.drained:.1f} s"
    verdict = {
        "acknowledged and lost": len(account.lost),
        "doubled at a vendor that does not de-duplicate": len(account.doubled),
        "both sides differ, and no conflict says why": len(account.differing),
        "rules of our own broken": len(account.broken),
        "given up (dead letters, dead callbacks)": len(account.unfinished),
        "drained after the last fault and the last change": drained,
    }
    seconds = f"{times.calm:.0f} s calm and {times.storm:.0f} s under fire"
    lines = [
        f"{title} {ledger.events} events, {seconds}.",
        "",
        "| what | how many |",
        "|---|---|",
        *(f"| {name} | **{count}** |" for name, count in verdict.items()),
        f"| acknowledged changes | {ledger.acknowledged} |",
        *_rows(ledger.by_kind),
        f"| requests sent again by their client | {ledger.repeated} |",
        f"| requests that nobody answered in a minute | {ledger.unheard} |",
        *_rows(account.counts),
        f"| found by reading, told by no callback | {told.found_by_reading} |",
        f"| tries of the outbox | {_listed(told.attempts)} |",
        f"| the vendor answered | {_listed(told.vendor)} |",
        "",
        "| from commit to | when | count | p50 s | p95 s | longest s |",
        "|---|---|---|---|---|---|",
        *_spreads("subscriber", times.to_listener),
        *_spreads("vendor", times.to_vendor),
        "",
        "| fault | times |",
        "|---|---|",
        *_rows(faults),
    ]
    if account.problems:
        lines += ["", "Problems:", ""]
        lines += [f"- {each}" for each in account.problems[:MOST_PROBLEMS]]
    return "\n".join(lines) + "\n"


def _rows(counts: Mapping[str, int]) -> list[str]:
    return [f"| {name} | {count} |" for name, count in counts.items()]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _spreads(to: str, spreads: Mapping[str, Spread]) -> list[str]:
    return [
        f"| {to} | {when} | {spread.count} | {spread.p50:.2f} | {spread.p95:.2f}"
        f" | {spread.longest:.2f} |"
        for when, spread in spreads.items()
    ]
