"""One database under measurement, and the programs on it."""

import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from bench import samples
from bench.cluster import Cluster
from bench.dataset import Dataset, fresh_copy
from bench.limit import Limit
from bench.load import LoadGenerator, Request
from bench.measure import Runner, UsedUp
from bench.samples import Samples, Wish
from bench.web import Web, start_web, stop_web
from config.local.bootstrap import ROOT
from config.local.processes import CannotRun
from config.local.supervisor import Supervisor

# From then on many technicians are free at any time. Where any of them may come, days
# like that are wished for: on others one call takes what another was about to get.
FAR_DAYS = 50
FEWEST_WISHES = 30

BARE = "bench.apps.bare:application"
DJANGO = "config.wsgi:application"
SETTINGS = {
    "ours": "bench.apps.ours",
    "guarded": "bench.apps.guarded",
    "idiomatic": "bench.apps.idiomatic",
}


@dataclass(kw_only=True)
class Bench:
    """A copy of a data set, the web servers on it, and what to ask them."""

    cluster: Cluster
    supervisor: Supervisor
    load: LoadGenerator
    environment: Mapping[str, str]
    dataset: Dataset
    seconds: float
    token: str = ""
    webs: dict[str, Web] = field(default_factory=dict)
    _wishes: dict[tuple[str, bool, bool], deque[Wish]] = field(default_factory=dict)

    @cached_property
    def samples(self) -> Samples:
        with self.cluster.connect() as rows:
            return samples.draw(rows, token=self.token)

    @property
    def runner(self) -> Runner:
        return Runner(cluster=self.cluster, load=self.load, seconds=self.seconds)

    @property
    def limit(self) -> Limit:
        return Limit(cluster=self.cluster, seconds=self.seconds)

    def web(self, name: str) -> Web:
        """Return the program's web server, started when first asked for."""
        if name not in self.webs:
            self.webs[name] = self.start(name)
        return self.webs[name]

    def start(self, name: str) -> Web:
        settings = SETTINGS.get(name)
        environment = dict(self.environment)
        if settings:
            environment["DJANGO_SETTINGS_MODULE"] = settings
        return start_web(
            self.supervisor,
            name=name,
            target=DJANGO if settings else BARE,
            environment=environment,
            folder=self.cluster.folder,
        )

    def take(
        self, count: int, *, service: str, located: bool, far: bool = False
    ) -> list[Wish]:
        """Return wishes that nobody has had yet, of far days or of the others.

        Raises:
            UsedUp: there are only a few left; a window of those would tell nothing.
        """
        if (service, located, far) not in self._wishes:
            with self.cluster.connect() as rows:
                found = samples.wishes(rows, service=service, located=located)
            first_far = datetime.now(UTC) + timedelta(days=FAR_DAYS)
            for side in (False, True):
                self._wishes[service, located, side] = deque(
                    wish for wish in found if (wish.starts_at >= first_far) is side
                )
        left = self._wishes[service, located, far]
        if len(left) < min(count, FEWEST_WISHES):
            raise UsedUp
        return [left.popleft() for _ in range(min(count, len(left)))]

    def bookings(
        self,
        count: int,
        *,
        located: bool = False,
        technician: bool = True,
        key: bool = False,
    ) -> Sequence[Request]:
        """Return calls that book, each something that nobody has booked."""
        return [
            wish.request(self.token, technician=technician, key=key)
            for wish in self.take(
                count, service=samples.BOOKED, located=located, far=not technician
            )
        ]


@contextmanager
def opened(
    *,
    cluster: Cluster,
    supervisor: Supervisor,
    load: LoadGenerator,
    environment: Mapping[str, str],
    dataset: Dataset,
    seconds: float,
) -> Iterator[Bench]:
    """Copy the data set, and stop at the end what was started on the copy."""
    fresh_copy(cluster, dataset)
    with cluster.connect() as rows:
        samples.prepare(rows)
    bench = Bench(
        cluster=cluster,
        supervisor=supervisor,
        load=load,
        environment=environment,
        dataset=dataset,
        seconds=seconds,
        token=_token(environment),
    )
    try:
        yield bench
    finally:
        for web in bench.webs.values():
            stop_web(supervisor, web)


def _token(environment: Mapping[str, str]) -> str:
    """Sign in at the guarded program's door."""
    done = subprocess.run(  # our own program
        [sys.executable, "-m", "bench.signing_in"],
        cwd=ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": SETTINGS["guarded"]},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun("nobody can sign in: ours does not start, as it says above.")
    return done.stdout.strip()
