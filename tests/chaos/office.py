"""Those who work in the vendor's own app: they move, cancel, and book on the phone."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.models import ExternalLink
from integrations.sandbox.world import World
from tests.chaos.people import Crowd, dice_of
from tests.chaos.survival import while_it_may_die
from tests.chaos.town import DAYS, VENDOR, WINDOWS, ZIP, Town, rows_of

_LINKED_WITHIN = 15.0
# Of all that they do there.
_BOOKED = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody there did to one of our things, for the last time, or booked."""

    kind: str
    object_id: str
    """Ours; of a visit that was booked there the customer's name."""
    wanted: str
    """The new start or status."""


@dataclass(slots=True)
class Doings:
    """What was done there."""

    acts: list[Act] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)


class Office:
    """Changes some of what we told them. Nobody here touches those things any more."""

    def __init__(self, town: Town, *, world: World, crowd: Crowd, seed: int) -> None:
        self.done = Doings()
        self._town = town
        self._world = world
        self._crowd = crowd
        self._dice = dice_of(f"{seed} office")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._every = 1.0

    def begin(self, *, per_second: float) -> None:
        self._every = 1 / per_second
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(self._every):
            if self._dice.random() < _BOOKED:
                self._book()
                continue
            visit = self._crowd.give_away()
            if visit is None:
                continue
            ids = self._ids_of(visit)
            if ids is not None:
                self._do(visit, ids)

    def _ids_of(self, visit: str) -> dict[str, int] | None:
        """Return their ids of a visit, once they know it."""
        ends = time.monotonic() + _LINKED_WITHIN
        while time.monotonic() < ends and not self._over.is_set():
            found = {}
            with while_it_may_die():
                rows = ExternalLink.objects.filter(object_id=visit).exclude(
                    remote_id=""
                )
                found = {row.remote_type: int(row.remote_id) for row in rows}
            if {"job", "appointment"} <= found.keys():
                return found
            time.sleep(0.5)
        return None

    def _book(self) -> None:
        """Take a call: a customer whom nobody knows here, and a job."""
        start, number = self._some_window(), self.done.by_kind["book"]
        name = f"Caller {number}"
        technicians = rows_of(self._world, "technicians")
        crew = [row["id"] for row in technicians[-len(self._town.technicians) :]]
        told = {
            "name": name,
            "phone": f"48055{50_000 + number}",
            "street": f"{number} Office St",
            "zip": ZIP,
            "start": start.astimezone(UTC).isoformat(),
            "end": (start + timedelta(hours=1)).astimezone(UTC).isoformat(),
            "technician": self._dice.choice([None, *crew]),
        }
        self._world.act(VENDOR, "book", told)
        wanted = start.astimezone(UTC).isoformat()
        self.done.acts.append(Act(kind="book", object_id=name, wanted=wanted))
        self.done.by_kind["book"] += 1

    def _some_window(self) -> datetime:
        return self._town.window(
            day=self._dice.randrange(DAYS), hour=self._dice.choice(WINDOWS)
        )

    def _do(self, visit: str, ids: dict[str, int]) -> None:
        kind = self._dice.choices(["move", "cancel"], weights=[8, 2])[0]
        if kind == "move":
            start = self._some_window()
            told: dict[str, Any] = {"appointment": ids["appointment"], **_times(start)}
            wanted = start.astimezone(UTC).isoformat()
        else:
            told, wanted = {"job": ids["job"]}, "cancelled"
        try:
            self._world.act(VENDOR, kind, told)
        except ValueError:  # it was called off meanwhile
            self.done.by_kind["refused there"] += 1
            return
        self.done.acts.append(Act(kind=kind, object_id=visit, wanted=wanted))
        self.done.by_kind[kind] += 1


def _times(start: datetime) -> dict[str, str]:
    start = start.astimezone(UTC)
    window, work = start + timedelta(hours=2), start + timedelta(hours=1)
    return {
        "start": start.isoformat(),
        "end": work.isoformat(),
        "arrivalWindowStart": start.isoformat(),
        "arrivalWindowEnd": window.isoformat(),
    }
