"""`bench/deliveries`: how fast events leave the house, and who slows whom.

The whole way is real: an event is committed, handlers write it into the outbox,
workers post it, signed, to a receiver in a process of its own, and write down what
came of it. Counts are the result; seconds depend on who else uses the machine.
"""

import argparse
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cluster import WORK, Cluster, alone, bench_folder, running_cluster
from bench.cpu import seconds_of_tree
from bench.environment import environment_of_app
from bench.receiver import SLOW_SECONDS
from config.local.bootstrap import ROOT
from config.local.processes import CannotRun, Program, end_group, free_port, say
from config.local.programs import CALLER, MODULE, WORKER, clock
from config.local.supervisor import Child, Stopped, Supervisor

MODULE_OF = {"receiver": "bench.receiver", "telling": "bench.telling"}
LONGEST = 120.0


@dataclass(frozen=True, kw_only=True)
class Rig:
    """Everything that runs but the workers."""

    cluster: Cluster
    supervisor: Supervisor
    environment: Mapping[str, str]
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def tell(self, *words: str, more: Mapping[str, str] | None = None) -> Any:
        """Run a command of bench.telling; return what it prints last."""
        done = subprocess.run(  # noqa: S603  # our own program
            [*MODULE, MODULE_OF["telling"], *words],
            cwd=ROOT,
            env=dict(self.environment) | dict(more or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"bench.telling {words}: {done.stderr[-800:]}")
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None

    def heard(self) -> list[tuple[str, str, float]]:
        """Ask the receiver what it has heard since it was started."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request("GET", "/")
            found: list[tuple[str, str, float]] = json.loads(line.getresponse().read())
        finally:
            line.close()
        return found

    def wait_for(self, things: Mapping[str, float], *, path: str) -> dict[str, float]:
        """Wait until a path has heard of all things; return when it did, by thing."""
        ends = time.monotonic() + LONGEST
        while True:
            came: dict[str, float] = {}
            for at, thing, moment in self.heard():
                if at == path and thing in things:
                    came.setdefault(thing, moment)
            if len(came) == len(things) or time.monotonic() > ends:
                return came
            time.sleep(0.5)

    @contextmanager
    def workers(self) -> Iterator[list[Child]]:
        """Run the workers and the clock as `./run` does."""
        schedule = self.cluster.folder / "beat-schedule"
        commands = {
            "The worker": WORKER,
            "The caller": CALLER,
            "The clock": clock(schedule=schedule),
        }
        children = [
            self.supervisor.start(
                Program(
                    name=name,
                    command=command,
                    environment=self.environment,
                    folder=ROOT,
                    log=self.cluster.folder / "workers.log",
                    patience=40,
                )
            )
            for name, command in commands.items()
        ]
        try:
            yield children
        finally:
            for child in children:
                self.supervisor.children.remove(child)
                child.process.terminate()
            for child in children:
                try:
                    child.process.wait(timeout=40)
                finally:
                    end_group(child.process)

    def cpu(self, children: Sequence[Child]) -> dict[str, float]:
        """Return the processor seconds used so far by workers and PostgreSQL."""
        return {
            "workers": sum(seconds_of_tree(child.process.pid) for child in children),
            "postgres": seconds_of_tree(self.cluster.postgres_pid),
        }


def backlog(rig: Rig, *, events: int) -> dict[str, Any]:
    """Commit events while nobody works; then measure how fast they are worked off."""
    rig.tell("subscribe", rig.url("/fast/backlog"))
    things = rig.tell("happen", str(events), "0")
    with rig.workers() as children:
        first = _wait_for_first(rig, path="/fast/backlog")
        before = rig.cpu(children)
        came = rig.wait_for(things, path="/fast/backlog")
        after = rig.cpu(children)
    seconds = max(came.values()) - first
    return {
        "events": events,
        "delivered": len(came),
        "more than once": _repeated(rig, path="/fast/backlog"),
        "per second": round(len(came) / seconds, 1),
        "CPU ms per delivery": {
            name: round((after[name] - before[name]) / len(came) * 1000, 2)
            for name in after
        },
    }


def calm(rig: Rig, *, others: Sequence[str], name: str, seconds: int) -> dict[str, Any]:
    """Let 20 events a second happen; measure from commit to a fast receiver."""
    path = f"/fast/{name}"
    rig.tell("subscribe", rig.url(path), *others)
    with rig.workers():
        time.sleep(6)  # until they are there
        things = rig.tell("happen", str(20 * seconds), "20")
        came = rig.wait_for(things, path=path)
    waits = sorted(came[thing] - things[thing] for thing in came)
    return {
        "events": len(things),
        "delivered": len(came),
        "p50 s": round(waits[len(waits) // 2], 3),
        "p95 s": round(waits[int(len(waits) * 0.95)], 3),
        "max s": round(waits[-1], 3),
    }


def beside_a_black_hole(rig: Rig, *, bookings: int) -> dict[str, Any]:
    """Book at the demo company while the broker takes calls and answers nothing."""
    _run(rig.supervisor, rig.environment, "manage.py", "seed_demo")
    with socket.create_server(("127.0.0.1", 0), backlog=100) as hole:
        callers: list[socket.socket] = []
        threading.Thread(target=_swallow, args=(hole, callers), daemon=True).start()
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        took = sorted(rig.tell("book", str(bookings), more={"CELERY_BROKER_URL": url}))
    return {
        "bookings": len(took),
        "times the broker was dialled": len(callers),
        "p50 s": took[len(took) // 2],
        "p99 s": took[int(len(took) * 0.99) - 1],
        "max s": took[-1],
    }


def _swallow(hole: socket.socket, callers: list[socket.socket]) -> None:
    with contextlib.suppress(OSError):  # closed: the bench is over
        while True:
            callers.append(hole.accept()[0])


def _wait_for_first(rig: Rig, *, path: str) -> float:
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        moments = [moment for at, _, moment in rig.heard() if at == path]
        if moments:
            return min(moments)
        time.sleep(0.1)
    raise CannotRun(f"Nothing came to {path}.")


def _repeated(rig: Rig, *, path: str) -> int:
    things = [thing for at, thing, _ in rig.heard() if at == path]
    return len(things) - len(set(things))


@contextmanager
def running_rig(folder: Path) -> Iterator[Rig]:
    """Bring up servers, an empty database and the receiver."""
    with (
        alone(folder),
        Supervisor() as supervisor,
        running_cluster(supervisor, folder) as cluster,
    ):
        port = free_port()
        environment = environment_of_app(cluster) | {
            "ENVIRONMENT": "local",  # receivers live on loopback
            "DATABASE_URL": cluster.url(WORK),
        }
        cluster.drop(WORK)
        with cluster.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{WORK}"')
        _run(supervisor, environment, "manage.py", "migrate", "--verbosity", "0")
        receiver = supervisor.start(
            Program(
                name="The receiver",
                command=[*MODULE, MODULE_OF["receiver"], str(port)],
                environment=environment,
                folder=ROOT,
            )
        )
        rig = Rig(
            cluster=cluster, supervisor=supervisor, environment=environment, port=port
        )
        supervisor.wait_until(lambda: _answers(rig), child=receiver, seconds=20)
        yield rig


def _run(supervisor: Supervisor, environment: Mapping[str, str], *words: str) -> None:
    supervisor.run_to_end(
        Program(
            name=words[1],
            command=[sys.executable, *words],
            environment=environment,
            folder=ROOT,
        )
    )


def _answers(rig: Rig) -> bool:
    try:
        rig.heard()
    except OSError:
        return False
    return True


def main(words: Sequence[str]) -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(prog="bench/deliveries", description=__doc__)
    parser.add_argument("--events", type=int, default=3000, help="of the backlog")
    parser.add_argument("--seconds", type=int, default=20, help="of each calm time")
    parser.add_argument("--bookings", type=int, default=150)
    parser.add_argument(
        "--only", default="backlog,calm,beside,hole", help="some of them"
    )
    given = parser.parse_args(words)
    only = given.only.split(",")
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "load before": os.getloadavg()[0]}
    }
    with running_rig(bench_folder()) as rig:
        if "backlog" in only:
            results["backlog"] = backlog(rig, events=given.events)
        if "calm" in only:
            results["calm"] = calm(rig, others=[], name="calm", seconds=given.seconds)
        if "beside" in only:
            fast = [rig.url(f"/fast/other/{n}") for n in range(3)]
            results["beside three that are fast"] = calm(
                rig, others=fast, name="three", seconds=given.seconds
            )
            dead = f"http://127.0.0.1:{free_port()}/dead"
            slow = [rig.url(f"/slow/{n}") for n in range(2)]
            results[f"beside two that take {SLOW_SECONDS:g} s and a dead one"] = calm(
                rig, others=[*slow, dead], name="beside", seconds=given.seconds
            )
        if "hole" in only:
            results["bookings, the broker a black hole"] = beside_a_black_hole(
                rig, bookings=given.bookings
            )
        results["machine"]["load after"] = os.getloadavg()[0]
    say(json.dumps(results, indent=1))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotRun as reason:
        sys.exit(f"The bench cannot run: {reason}")
    except Stopped:
        sys.exit(130)
