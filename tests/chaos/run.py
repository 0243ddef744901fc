"""One run: a calm while, a while under fire, the drain, and the reckoning."""

import argparse
import os
import time
from collections.abc import Callable

from config.local.processes import say
from integrations.sandbox.servicetitan import ServiceTitan
from integrations.sandbox.world import World
from tests.chaos import report
from tests.chaos.account import Account, settle
from tests.chaos.faults import Plan, Storm
from tests.chaos.house import House
from tests.chaos.listener import Listener
from tests.chaos.office import Office
from tests.chaos.people import Crowd
from tests.chaos.report import Times, Told
from tests.chaos.scene import outside
from tests.chaos.town import VENDOR, Town, found, listen
from tests.chaos.waiting import (
    Spread,
    attempts,
    on_the_way,
    told_to_vendor,
    whole_round,
)

_LOOK_EVERY = 0.25
_EVENTS_A_CHANGE = 1.3
# A vendor's times of telling again, shortened: its longest try comes after 3 s.
_PACE = 0.01
_ANY_SECRET = "whsec_Y2hhb3M="  # until the endpoint has its own


class Run:
    """All that takes part in one run."""

    def __init__(self, house: House, given: argparse.Namespace) -> None:
        self._house = house
        self._given = given
        self._world = World(pace=_PACE, vendors={VENDOR: ServiceTitan()})
        self._storm = Storm(house, world=self._world, outage=given.outage)
        self._begun = self._fire = self._last = 0.0

    def whole(self) -> tuple[str, bool]:
        """Do it all; return the report, and whether all is well."""
        with outside(self._world) as (server, url):
            town = found(
                world=self._world,
                sandbox_url=url,
                house_url=f"http://127.0.0.1:{self._house.port}",
                crew=self._given.crew,
            )
            listener = Listener(secret=listen(url=f"{url}/webhooks"))
            server.inbox = listener
            crowd = self._crowd(town)
            office = Office(town, world=self._world, crowd=crowd, seed=self._given.seed)
            plan = self._live(crowd, office)
            drained = self._drain()
            found_by_reading = self._read_on(town)
            account = settle(
                ledger=crowd.ledger,
                doings=office.done,
                world=self._world,
                listener=listener,
            )
            text = report.text(
                title=self._title(),
                ledger=crowd.ledger,
                faults=plan.happened,
                told=Told(
                    attempts=attempts(),
                    vendor=self._world.places[VENDOR].counts,
                    found_by_reading=found_by_reading,
                ),
                times=self._times(listener, drained),
                account=account,
            )
            return text, self._is_good(account, drained)

    # --- The parts ---------------------------------------------------------------

    def _crowd(self, town: Town) -> Crowd:
        given = self._given
        return Crowd(
            town,
            port=self._house.port,
            events=given.events,
            per_second=given.events / _EVENTS_A_CHANGE / (given.calm + given.seconds),
            seed=given.seed,
        )

    def _live(self, crowd: Crowd, office: Office) -> Plan:
        """Let people work: first in peace, then under fire, until both are over."""
        given = self._given
        plan = self._storm.short_plan() if given.short else self._storm.whole_plan()
        self._begun = time.time()
        crowd.begin(clients=given.clients)
        office.begin(per_second=given.events / (given.calm + given.seconds) / 15)
        self._pass(given.calm)
        self._fire = time.time()
        while plan.waiting or not crowd.is_done():
            progress = (time.time() - self._fire) / given.seconds
            for name in plan.play(progress):
                say(f"{time.time() - self._fire:6.1f} s  {name}  {on_the_way()}")
            self._pass(_LOOK_EVERY)
        crowd.stop()
        office.stop()
        self._last = time.time()
        return plan

    def _drain(self) -> float | None:
        """Wait until nothing is on its way; return for how long that took."""
        idle = self._world.places[VENDOR].sender.wait_until_idle
        ends = time.time() + self._given.patience
        said_at = 0.0
        while time.time() < ends:
            waiting = on_the_way()
            if not waiting and idle(seconds=0.1):
                return time.time() - self._last
            if time.time() - said_at > 5:
                said_at = time.time()
                say(f"draining for {said_at - self._last:.0f} s: {waiting}")
            self._pass(_LOOK_EVERY)
        return None

    def _read_on(self, town: Town) -> int:
        """Let the vendor be read as in the hours to come, until it has no news."""
        total = 0
        for _ in range(5):
            news = whole_round(town.connection.pk, idle=self._until_idle)
            total += news
            if not news:
                break
        return total

    def _until_idle(self) -> bool:
        return self._until(lambda: not on_the_way(), seconds=self._given.patience)

    def _until(self, holds: Callable[[], bool], *, seconds: float) -> bool:
        ends = time.time() + seconds
        while not holds():
            if time.time() > ends:
                return False
            self._pass(_LOOK_EVERY)
        return True

    def _pass(self, seconds: float) -> None:
        """Let time pass; who has died meanwhile is started again."""
        ends = time.time() + seconds
        while (left := ends - time.time()) > 0:
            self._house.supervisor.look_after()
            self._house.supervisor.pause(min(0.1, left))

    # --- What came of it ---------------------------------------------------------

    def _times(self, listener: Listener, drained: float | None) -> Times:
        calm = [h.seconds for h in listener.first.values() if h.at < self._fire]
        storm = [h.seconds for h in listener.first.values() if h.at >= self._fire]
        return Times(
            calm=self._fire - self._begun,
            storm=self._last - self._fire,
            drained=drained,
            to_listener={"calm": Spread.of(calm), "under fire": Spread.of(storm)},
            to_vendor={
                "calm": told_to_vendor(since=self._begun, until=self._fire),
                "under fire": told_to_vendor(since=self._fire, until=self._last),
            },
        )

    def _title(self) -> str:
        load = os.getloadavg()[1]
        return f"Seed {self._given.seed}; {os.cpu_count()} cores, load {load:.1f};"

    def _is_good(self, account: Account, drained: float | None) -> bool:
        within = self._given.drained_within
        in_time = drained is not None and (not within or drained <= within)
        return account.is_clean and in_time
