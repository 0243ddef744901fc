"""A house with one vendor and one subscriber, to measure one thing after the other."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from core.models import OutboxMessage
from core.models.outbox import OPEN
from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.servicetitan import ServiceTitan
from integrations.sandbox.wire import Request
from integrations.sandbox.world import Outcome, World
from leads.services import LeadForm, receive_lead
from tests.chaos.house import House
from tests.chaos.listener import Heard, Listener
from tests.chaos.town import VENDOR, ZIP, found, listen
from tests.chaos.waiting import Spread, on_the_way, told_to_vendor

ANY_SECRET = "whsec_Y2hhb3M="  # until the endpoint has its own


class Watched(World):
    """A world that remembers when each call was made."""

    def __init__(self) -> None:
        super().__init__(pace=0.01, vendors={VENDOR: ServiceTitan()})
        self.moments: list[float] = []

    def call(self, name: str, request: Request) -> Outcome:
        self.moments.append(time.time())
        return super().call(name, request)


@contextmanager
def outside(world: World) -> Iterator[tuple[SandboxServer, str]]:
    """Let the vendor and a subscriber listen; yield where."""
    listener = Listener(secret=ANY_SECRET)
    with SandboxServer(("127.0.0.1", 0), inbox=listener, world=world) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Scene:
    """What a measure can do, and ask."""

    def __init__(self, house: House, world: Watched, listener: Listener) -> None:
        self._house = house
        self._world = world
        self._listener = listener
        self._numbers = itertools.count()

    @classmethod
    @contextmanager
    def opened(cls, house: House) -> Iterator["Scene"]:
        """Found the company, and let everybody listen."""
        world = Watched()
        with outside(world) as (server, url):
            at = f"http://127.0.0.1:{house.port}"
            found(world=world, sandbox_url=url, house_url=at, crew=2)
            listener = Listener(secret=listen(url=f"{url}/webhooks"))
            server.inbox = listener
            yield cls(house, world, listener)

    # --- Do ----------------------------------------------------------------------

    def leads(self, *, seconds: float, per_second: float) -> None:
        """Let leads come in evenly."""
        begun = time.time()
        for number in range(round(seconds * per_second)):
            self.let_pass(until=begun + number / per_second)
            self._lead()

    def leads_at_once(self, count: int) -> None:
        for _ in range(count):
            self._lead()

    def let_hang(self, *, seconds: float) -> None:
        self._fail(Rule(kind=Kind.SLOW, seconds=seconds))

    def let_down(self, *, seconds: float) -> None:
        self._fail(Rule(kind=Kind.DOWN, for_seconds=seconds))

    def heal(self) -> None:
        self._fail()

    def let_pass(self, *, until: float) -> None:
        """Let time pass; who has died meanwhile is started again."""
        while (left := until - time.time()) > 0:
            self._house.supervisor.look_after()
            self._house.supervisor.pause(min(0.1, left))

    def until_drained(self, *, seconds: float) -> None:
        self._until(lambda: not on_the_way(), seconds=seconds)

    # --- Ask ---------------------------------------------------------------------

    def calls(self) -> list[float]:
        return list(self._world.moments)

    def waiting_for_vendor(self) -> int:
        return OutboxMessage.objects.filter(kind="sync", status__in=OPEN).count()

    def heard_since(self, moment: float) -> list[Heard]:
        heard = self._listener.first.values()
        return [each for each in heard if each.at - each.seconds >= moment]

    def to_listener(self, *, since: float) -> Mapping[str, Any]:
        spread = Spread.of([each.seconds for each in self.heard_since(since)])
        return _rounded(spread)

    def to_vendor(self, *, since: float) -> Mapping[str, Any]:
        return _rounded(told_to_vendor(since=since, until=time.time()))

    # --- Inside ------------------------------------------------------------------

    def _lead(self) -> None:
        number = next(self._numbers)
        form = LeadForm(
            name=f"Somebody Nr {number}",
            phone=f"+1602{3_000_000 + number}",
            line1=f"{number} Main St",
            postal_code=ZIP,
        )
        receive_lead(form=form, actor=SYSTEM, now=timezone.now())

    def _fail(self, *rules: Rule) -> None:
        self._world.places[VENDOR].faults.put(*rules)

    def _until(self, holds: Callable[[], bool], *, seconds: float) -> None:
        ends = time.time() + seconds
        while not holds() and time.time() < ends:
            self.let_pass(until=time.time() + 0.2)


def _rounded(spread: Spread) -> dict[str, Any]:
    return {name: round(value, 3) for name, value in asdict(spread).items()}
