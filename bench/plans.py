"""How PostgreSQL answers the hot questions: the plans of what ours really asks.

`auto_explain` writes the plan of each statement into PostgreSQL's log, with the
parameters of a real request, while a server of its own is asked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from bench.cluster import Cluster
from bench.load import Request
from bench.web import Web

# Tables that grow with the company's past, or with its customers.
LARGE = frozenset(
    {
        "appointments_appointment",
        "appointments_assignment",
        "core_event",
        "leads_contactmethod",
        "leads_customer",
        "leads_lead",
        "leads_property",
    }
)
# Every connection of every process, and once more.
TIMES = 9
# What PostgreSQL asks itself about foreign keys: rows by their primary key.
_OWN = "SELECT 1 FROM ONLY "
_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A statement, and what its plan reads of the large tables."""

    question: str
    statement: str
    rows_read: int
    blocks: int
    indexes: Sequence[str]
    scanned: Sequence[str]
    """Large tables that are read from end to end."""

    def faults(self, *, most_rows: int) -> list[str]:
        found = [f"reads all of {table}" for table in self.scanned]
        if self.rows_read > most_rows:
            found.append(f"reads {self.rows_read:,} rows, more than {most_rows:,}")
        return found


@contextmanager
def explaining(cluster: Cluster) -> Iterator[None]:
    """Have every new session explain its statements in PostgreSQL's log."""
    _configure(cluster, _SETTINGS)
    try:
        yield
    finally:
        _configure(cluster, dict.fromkeys(_SETTINGS, None))


def _configure(cluster: Cluster, settings: Mapping[str, str | None]) -> None:
    with cluster.connect("postgres") as rows:
        rows.execute("LOAD 'auto_explain'")
        for name, value in settings.items():
            to = "DEFAULT" if value is None else f"'{value}'"
            rows.execute(f"ALTER SYSTEM SET {name} = {to}")
        rows.execute("SELECT pg_reload_conf()")


def plans_of(
    cluster: Cluster, web: Web, questions: Mapping[str, Sequence[Request]]
) -> list[Plan]:
    """Ask each question once its caches are warm; return its plans.

    What changes something cannot be asked twice: such a question has `TIMES` requests.
    """
    found: list[Plan] = []
    log = cluster.postgres.log
    for question, requests in questions.items():
        *warming, last = islice(cycle(requests), TIMES)
        for request in warming:
            web.ask(request)
        start = log.stat().st_size
        web.ask(last)
        with log.open("rb") as file:
            file.seek(start)
            text = file.read().decode(errors="replace")
        found += (
            read_plan(question, plan)
            for plan in plans_in(text)
            if not plan["Query Text"].startswith(_OWN)
        )
    return found


def plans_in(log: str) -> Iterator[dict[str, Any]]:
    """Yield the plans that a stretch of PostgreSQL's log holds."""
    decoder = json.JSONDecoder()
    for part in log.split("plan:\n")[1:]:
        plan, _ = decoder.raw_decode(part.lstrip())
        yield plan


def read_plan(question: str, plan: Mapping[str, Any]) -> Plan:
    """Return what matters of a plan as PostgreSQL writes it."""
    nodes = list(_nodes(plan["Plan"]))
    large = [node for node in nodes if node.get("Relation Name") in LARGE]
    return Plan(
        question=question,
        statement=" ".join(str(plan["Query Text"]).split()),
        rows_read=round(sum(map(_rows_read, nodes))),
        blocks=sum(
            int(plan["Plan"].get(f"Shared {kind} Blocks", 0))
            for kind in ("Hit", "Read")
        ),
        indexes=sorted({node["Index Name"] for node in nodes if "Index Name" in node}),
        scanned=sorted(
            {
                node["Relation Name"]
                for node in large
                if node["Node Type"] == "Seq Scan" and node["Actual Loops"]
            }
        ),
    )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows_read(node: Mapping[str, Any]) -> float:
    """Return how many rows a node took from its table, those thrown away included."""
    if "Relation Name" not in node or node["Node Type"] == "ModifyTable":
        return 0
    rows: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return rows * float(node["Actual Loops"])
