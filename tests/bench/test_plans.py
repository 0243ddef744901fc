"""What the bench reads out of a plan, and when it finds fault with it."""

import json
from typing import Any

from bench.plans import plans_in, read_plan


def node(kind: str, table: str, *, rows: float, **more: Any) -> dict[str, Any]:
    return {
        "Node Type": kind,
        "Relation Name": table,
        "Actual Rows": rows,
        "Actual Loops": 1,
        **more,
    }


def plan(*nodes: dict[str, Any]) -> dict[str, Any]:
    top = {
        "Node Type": "Limit",
        "Actual Rows": 1,
        "Actual Loops": 1,
        "Shared Hit Blocks": 7,
        "Shared Read Blocks": 2,
        "Plans": list(nodes),
    }
    return {"Query Text": "SELECT\n  1", "Plan": top}


def test_a_scan_of_a_large_table_is_a_fault() -> None:
    found = read_plan(
        "list", plan(node("Seq Scan", "appointments_appointment", rows=5))
    )

    assert found.faults(most_rows=100) == ["reads all of appointments_appointment"]


def test_a_scan_of_a_small_table_is_none() -> None:
    found = read_plan("list", plan(node("Seq Scan", "core_location", rows=8)))

    assert found.faults(most_rows=100) == []


def test_a_scan_that_never_ran_is_none() -> None:
    never = node("Seq Scan", "leads_customer", rows=0) | {"Actual Loops": 0}

    assert read_plan("list", plan(never)).faults(most_rows=100) == []


def test_rows_count_that_were_thrown_away_and_those_of_every_loop() -> None:
    looped = node(
        "Index Scan",
        "leads_property",
        rows=2,
        **{"Index Name": "leads_property_pkey", "Rows Removed by Filter": 3},
    ) | {"Actual Loops": 50}

    found = read_plan("list", plan(looped))

    assert found.rows_read == 250
    assert found.indexes == ["leads_property_pkey"]
    assert found.faults(most_rows=249) == ["reads 250 rows, more than 249"]
    assert (found.blocks, found.statement) == (9, "SELECT 1")


def test_plans_are_found_among_other_lines_of_the_log() -> None:
    text = json.dumps(plan(), indent=2)
    log = f"LOG:  checkpoint\nLOG:  duration: 1.2 ms  plan:\n{text}\nLOG:  {{bye}}\n"

    assert list(plans_in(log * 2)) == [plan(), plan()]
