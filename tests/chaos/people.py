"""Those who use the house meanwhile, and what it acknowledged to them."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

from tests.chaos.survival import while_it_may_die
from tests.chaos.town import DAYS, WINDOWS, ZIP, Town

PATIENCE = 60.0
"""Seconds that a caller goes on asking; what it never hears of is not acknowledged."""
_PAUSE = 0.2
# The lead is converted, a customer written down with an address, and a visit booked.
_EVENTS = {"lead converted": 4}


@dataclass(slots=True)
class Ledger:
    """What was acknowledged: by its kind, our id, and what was last said of it."""

    acknowledged: int = 0
    events: int = 0
    """What the acknowledged changes have told, one by one."""
    by_kind: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    """Requests that had to be sent again: the answer did not come, or was a 5xx."""
    unheard: int = 0
    """Requests that were given up without an answer."""
    leads: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)


class Caller:
    """One client with a connection of its own; it repeats what was not answered."""

    def __init__(self, town: Town, *, port: int, ledger: Ledger) -> None:
        self._town = town
        self._port = port
        self._ledger = ledger
        self._token = town.token()
        self._line: HTTPConnection | None = None

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return what was acknowledged; {} where it was refused, or never answered."""
        key = str(uuid4())  # the same for all tries
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status, said = self._ask(method, path, body, key=key)
            if 200 <= status < 300:
                return said
            if status == 401:
                self._renew()
            elif 400 <= status < 500 and status not in {408, 425, 429}:
                self._ledger.refused[str(said.get("code"))] += 1
                return {}
            self._ledger.repeated += 1
            time.sleep(_PAUSE)
        self._ledger.unheard += 1
        return {}

    def _ask(
        self, method: str, path: str, body: dict[str, Any], *, key: str
    ) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            if self._line is None:
                self._line = HTTPConnection("127.0.0.1", self._port, timeout=20)
            self._line.request(method, f"/api/v1{path}", json.dumps(body), headers)
            answer = self._line.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, HTTPException, ValueError):
            if self._line is not None:
                self._line.close()
            self._line = None
            return 0, {}

    def _renew(self) -> None:
        with while_it_may_die():
            self._token = self._town.token()


class Crowd:
    """Customers and staff: new wishes, visits booked, moved and called off.

    Everything is done by one thread at a time to any one thing, so that what was
    acknowledged last is what must stand.
    """

    def __init__(
        self, town: Town, *, port: int, events: int, per_second: float, seed: int
    ) -> None:
        self.ledger = Ledger()
        self._town = town
        self._port = port
        self._events = events
        self._interval = 1 / per_second
        self._seed = seed
        self._guard = threading.Lock()
        self._numbers = iter(range(10_000_000))
        self._next_at = time.monotonic()
        self._leads: list[str] = []
        self._addresses: list[str] = []
        self._customers: list[str] = []
        self._visits: list[str] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    def begin(self, *, clients: int) -> None:
        """Let so many clients work until enough was acknowledged."""
        for number in range(clients):
            thread = threading.Thread(target=self._work, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Send everybody home."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def give_away(self) -> str | None:
        """Return a visit that nobody here touches from now on."""
        return self._taken(self._visits, dice_of(str(len(self._visits))))

    # --- One client --------------------------------------------------------------

    def _work(self, number: int) -> None:
        dice = dice_of(f"{self._seed} {number}")
        call = Caller(self._town, port=self._port, ledger=self.ledger)
        doings: dict[Callable[[Caller, random.Random], None], int] = {
            self._wish: 12,
            self._convert: 10,
            self._write_down: 14,
            self._book: 16,
            self._move: 24,
            self._correct: 12,
            self._call_off: 5,
        }
        while not self._over.is_set() and self._has_more():
            [doing] = dice.choices(list(doings), weights=list(doings.values()))
            doing(call, dice)

    def _has_more(self) -> bool:
        """Wait for the next turn; False once enough was acknowledged."""
        with self._guard:
            if self.ledger.events >= self._events:
                return False
            now = time.monotonic()
            wait = self._next_at - now
            # After a standstill the crowd does not come all at once.
            self._next_at = max(self._next_at, now - 1) + self._interval
        time.sleep(max(0.0, wait))
        return True

    def _note(self, kind: str) -> None:
        with self._guard:
            self.ledger.acknowledged += 1
            self.ledger.events += _EVENTS.get(kind, 1)
            self.ledger.by_kind[kind] += 1

    # --- What they do ------------------------------------------------------------

    def _wish(self, call: Caller, dice: random.Random) -> None:
        said = call("POST", "/leads", self._somebody(dice) | _address(self._number()))
        if said:
            self._note("lead received")
            self.ledger.leads[said["id"]] = said["reference"]
            self._give_back(self._leads, said["id"])

    def _convert(self, call: Caller, dice: random.Random) -> None:
        lead = self._taken(self._leads, dice)
        if lead is None:
            return
        said = call("POST", f"/leads/{lead}/convert", self._promise(dice))
        if said:
            self._booked(said, "lead converted")
        else:
            self._give_back(self._leads, lead)

    def _write_down(self, call: Caller, dice: random.Random) -> None:
        person = self._somebody(dice)
        methods = [{"kind": kind, "value": person[kind]} for kind in ("phone", "email")]
        form = {"name": person["name"], "contact_methods": methods}
        said = call("POST", "/customers", form)
        if not said:
            return
        self._note("customer written down")
        self.ledger.customers[said["id"]] = person["name"]
        path = f"/customers/{said['id']}/properties"
        address = call("POST", path, _address(self._number()))
        if address:
            self._note("address added")
            self._give_back(self._addresses, address["id"])
            self._give_back(self._customers, said["id"])

    def _book(self, call: Caller, dice: random.Random) -> None:
        address = self._taken(self._addresses, dice)
        if address is None:
            return
        asked = {"property": address, **self._promise(dice)}
        said = call("POST", "/appointments", asked)
        if said:
            self._booked(said, "visit booked")
        else:
            self._give_back(self._addresses, address)

    def _move(self, call: Caller, dice: random.Random) -> None:
        visit = self._taken(self._visits, dice)
        if visit is None:
            return
        wanted = {"starts_at": self._promise(dice)["starts_at"]}
        said = call("POST", f"/appointments/{visit}/reschedule", wanted)
        if said:
            self._note("visit moved")
            self.ledger.visits[visit] = said
        self._give_back(self._visits, visit)

    def _call_off(self, call: Caller, dice: random.Random) -> None:
        visit = self._taken(self._visits, dice)
        if visit is None:
            return
        said = call("POST", f"/appointments/{visit}/cancel", {"reason": "Called off"})
        if said:
            self._note("visit cancelled")
            self.ledger.visits[visit] = said
        else:
            self._give_back(self._visits, visit)

    def _correct(self, call: Caller, dice: random.Random) -> None:
        customer = self._taken(self._customers, dice)
        if customer is None:
            return
        name = f"{self._somebody(dice)['name']} (corrected)"
        if call("PATCH", f"/customers/{customer}", {"name": name}):
            self._note("customer corrected")
            self.ledger.customers[customer] = name
        self._give_back(self._customers, customer)

    # --- What they need for that -------------------------------------------------

    def _booked(self, said: dict[str, Any], kind: str) -> None:
        self._note(kind)
        self.ledger.visits[said["id"]] = said
        self._give_back(self._visits, said["id"])

    def _promise(self, dice: random.Random) -> dict[str, str]:
        start = self._town.window(day=dice.randrange(DAYS), hour=dice.choice(WINDOWS))
        return {"service": self._town.service, "starts_at": start.isoformat()}

    def _somebody(self, dice: random.Random) -> dict[str, str]:
        number = self._number()
        first = dice.choice(["Ada", "Ben", "Cleo", "Dan", "Eve", "Flo"])
        return {
            "name": f"{first} Nr {number}",
            "phone": f"+1602{2_000_000 + number}",
            "email": f"somebody{number}@example.com",
        }

    def _number(self) -> int:
        with self._guard:
            return next(self._numbers)

    def _taken(self, many: list[str], dice: random.Random) -> str | None:
        """Take one out, so that nobody else works at it."""
        with self._guard:
            return many.pop(dice.randrange(len(many))) if many else None

    def _give_back(self, many: list[str], one: str) -> None:
        with self._guard:
            many.append(one)


def dice_of(seed: str) -> random.Random:
    """Return dice that fall the same way in each run with that seed."""
    return random.Random(seed)  # noqa: S311  # no secret


def _address(number: int) -> dict[str, str]:
    return {
        "line1": f"{number} Main St",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": ZIP,
    }
