"""The data that is measured on: the demo's large company, made once and copied."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bench.cluster import WORK, Cluster
from config.demo.data.growth import LARGE, Volume
from config.local.bootstrap import ROOT
from config.local.processes import CannotRun

# A tenth, and ten times, of the large company's visits. What lies ahead is the same
# everywhere: as many technicians, as full. Only the past, and with it the tables, grow.
VOLUMES = {
    # Enough to see that the bench works, and for nothing else.
    "tiny": Volume(
        customers=2_000,
        leads=5_000,
        visits=20_000,
        days_back=4,
        days_ahead=4,
        technicians_per_branch=LARGE.technicians_per_branch,
        days_between_absences=LARGE.days_between_absences,
    ),
    "quick": Volume(
        customers=50_000,
        leads=50_000,
        visits=200_000,
        days_back=36,
        days_ahead=LARGE.days_ahead,
        technicians_per_branch=LARGE.technicians_per_branch,
        days_between_absences=LARGE.days_between_absences,
    ),
    "1x": LARGE,
    "10x": Volume(
        customers=5_000_000,
        leads=5_000_000,
        visits=20_000_000,
        days_back=7_000,
        days_ahead=LARGE.days_ahead,
        technicians_per_branch=LARGE.technicians_per_branch,
        days_between_absences=LARGE.days_between_absences,
    ),
}
# The coming days empty as time passes: data older than this is made anew.
MOST_DAYS_OLD = 7


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Where the rows of one size are, and when they were made."""

    rows: str
    made_on: date
    database: str
    """Seeded and migrated; nobody writes to it."""


def ready_dataset(
    cluster: Cluster, *, rows: str, environment: Mapping[str, str]
) -> Dataset:
    """Return the data set of that size: seeded once, migrated to the present code."""
    there = cluster.databases()
    seeded = _youngest_seed(there, rows) or _seed(cluster, rows, environment)
    made_on = date.fromisoformat(seeded.rpartition("_")[2])
    ready = f"ready_{rows}_{_fingerprint()}_{made_on}"
    if ready not in there:
        _tell(f"Copying {seeded} and migrating it to the present code ...")
        for old in there:
            if old.startswith(f"ready_{rows}_"):
                cluster.drop(old)
        cluster.copy(seeded, "unfinished")
        _manage(cluster, "migrate", "--verbosity", "0", environment=environment)
        with cluster.connect("unfinished") as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
        cluster.rename("unfinished", ready)
    return Dataset(rows=rows, made_on=made_on, database=ready)


def fresh_copy(cluster: Cluster, dataset: Dataset) -> None:
    """Put a copy in place that may be written to."""
    cluster.copy(dataset.database, WORK)


def _youngest_seed(there: set[str], rows: str) -> str | None:
    oldest = datetime.now(UTC).date() - timedelta(days=MOST_DAYS_OLD)
    fitting = [
        name
        for name in there
        if name.startswith(f"seed_{rows}_")
        and date.fromisoformat(name.rpartition("_")[2]) >= oldest
    ]
    return max(fitting, default=None)


def _seed(cluster: Cluster, rows: str, environment: Mapping[str, str]) -> str:
    name = f"seed_{rows}_{datetime.now(UTC).date()}"
    _tell(f"Seeding {name}: once; {VOLUMES[rows].visits:,} visits take a while ...")
    for old in cluster.databases():
        if old.startswith(f"seed_{rows}_"):
            cluster.drop(old)
    cluster.copy("template0", "unfinished")
    _manage(cluster, "migrate", "--verbosity", "0", environment=environment)
    _run(cluster, ["-m", "bench.seeding", rows], environment=environment)
    cluster.rename("unfinished", name)
    return name


def _tell(sentence: str) -> None:
    """Say what takes so long, beside the results."""
    sys.stderr.write(f"{sentence}\n")


def _fingerprint() -> str:
    """Return what changes whenever a migration does."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _manage(cluster: Cluster, *words: str, environment: Mapping[str, str]) -> None:
    _run(cluster, ["manage.py", *words], environment=environment)


def _run(
    cluster: Cluster, arguments: list[str], *, environment: Mapping[str, str]
) -> None:
    """Run a program of the project on the database that is being made."""
    done = subprocess.run(  # noqa: S603  # our own programs
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, "DATABASE_URL": cluster.url("unfinished")},
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"{' '.join(arguments)} failed: it says why above.")
