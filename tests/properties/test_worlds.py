"""Any world: what is offered can be booked, what is not is refused and explained.

The list over HTTP is compared with `oracle`, a second and slower computation from the
rules' text; then offered and refused starts are tried, each in a copy of the world.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import event, given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from appointments import services
from appointments.models import Appointment, Assignment
from appointments.services import BookingRequest, SlotUnavailable
from core.actors import SYSTEM, Role
from tests.factories import make_user
from tests.properties import oracle
from tests.properties.building import Built, build, zip_of
from tests.properties.conftest import PROFILE
from tests.properties.worlds import MINUTE, World, packed_worlds, worlds

pytestmark = pytest.mark.django_db

# Of each kind of start so many are tried in each world.
TRIED = 3


@contextmanager
def undone() -> Iterator[None]:
    """Undo what is written within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def listed(client: APIClient, world: World, built: Built) -> dict[datetime, date]:
    """Return the starts that the API offers, each with its local day."""
    asked: dict[str, Any] = {
        "service": built.service.code,
        "postal_code": zip_of(world),
        "from": world.first_day.isoformat(),
        "days": world.days,
    }
    answer = client.get("/api/v1/availability", asked)
    assert answer.status_code == 200, answer.content
    return {
        datetime.fromisoformat(slot["starts_at"]): date.fromisoformat(slot["date"])
        for slot in answer.json()["slots"]
    }


def try_to_book(world: World, built: Built, start: datetime) -> str | None:
    """Book that start in a copy of the world; return why not, or None."""
    with undone():
        try:
            visit = services.book(
                request=BookingRequest(
                    service=built.service, starts_at=start, property=built.address
                ),
                actor=SYSTEM,
                now=world.now,
            )
        except SlotUnavailable as refused:
            return str(refused.extra["reason"])
        check_the_plan(world, built, visit)
        assert oracle.is_early_enough(world, visit.starts_at)
        assert visit.window_starts_at == start
        return None


def check_the_plan(world: World, built: Built, visit: Appointment) -> None:
    """Check who was put on the visit, and for which hours."""
    on_it = Assignment.objects.filter(appointment=visit).select_related("technician")
    came = {row.technician for row in on_it}
    assert len(came) == world.crew_size
    day = visit.window_starts_at.astimezone(world.zone).date()
    for technician in came:
        who = world.crew[built.crew.index(technician)]
        assert not oracle.start_problems(world, who, visit.starts_at, day=day)
        taken = {
            (row.occupied_from, row.occupied_until)
            for row in on_it
            if row.technician == technician
        }
        assert taken == {
            (
                part.starts_at - world.before * MINUTE,
                part.ends_at + world.after * MINUTE,
            )
            for part in oracle.work_of(world, who, visit.starts_at)
        }


def explained(
    client: APIClient, world: World, built: Built, start: datetime
) -> tuple[Any, list]:
    """Return the reason of a start as a whole, and of each technician."""
    answer = client.get(
        "/api/v1/availability/explain",
        {
            "service": built.service.code,
            "postal_code": zip_of(world),
            "starts_at": start.isoformat(),
        },
    )
    assert answer.status_code == 200, answer.content
    told = {row["technician"]: row["reason"] for row in answer.json()["technicians"]}
    return answer.json()["reason"], list(told.values())


def true_reasons(world: World, start: datetime) -> set[str]:
    """Return every reason that is true of a start which is not offered."""
    day = start.astimezone(world.zone).date()
    known = {promise.start: promise for promise in oracle.promises(world, day)}
    if start not in known:
        return {"closed", "off_grid", "holiday"}
    promise = known[start]
    found = oracle.promise_problems(world, promise)
    if not any(member.is_active for member in world.crew):
        found.add("off_shift")  # nobody is asked
    if world.crew_size > 1:
        found.add("busy")  # there may be some hands, but not enough
    for member in world.crew:
        for moment in oracle.starts_within(promise):
            if oracle.is_early_enough(world, moment):
                found |= oracle.start_problems(world, member, moment, day=day)
    return found


@pytest.fixture
def staff(settings) -> Any:
    settings.TRAVEL_TIME_PROVIDER = "tests.properties.roads.Streets"
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/m")
    return make_user(Role.ADMIN)


@PROFILE
@given(world=worlds(), data=st.data())
def test_offered_starts_book_and_all_others_are_refused(
    staff, api_as, world: World, data: st.DataObject
) -> None:
    with undone(), time_machine.travel(world.now, tick=False):
        built = build(world)
        client = api_as(staff)

        found = listed(client, world, built)

        assert found == starts_by_hand(world)
        event("offers something" if found else "offers nothing")
        grid = {p.start for day in world.listed for p in oracle.promises(world, day)}
        for start in some(data, sorted(found)):
            assert try_to_book(world, built, start) is None
            reason, technicians = explained(client, world, built, start)
            assert reason is None
            assert technicians.count(None) >= world.crew_size
        refused = sorted(grid - found.keys())
        for start in some(data, refused) + around_now(world, refused):
            why_not = try_to_book(world, built, start)
            assert why_not in true_reasons(world, start)
            event(f"refuses because of {why_not}")
            reason, technicians = explained(client, world, built, start)
            if world.crew_size == 1:
                assert reason is not None or None not in technicians
            assert reason in true_reasons(world, start) | {None}
        for start in some(data, off_the_grid(world, grid)):
            assert try_to_book(world, built, start) in {"closed", "off_grid", "holiday"}


@PROFILE
@given(world=packed_worlds())
def test_a_calendar_offers_just_its_gaps(staff, api_as, world: World) -> None:
    with undone(), time_machine.travel(world.now, tick=False):
        built = build(world)

        found = listed(api_as(staff), world, built)

        assert found == starts_by_hand(world)


def starts_by_hand(world: World) -> dict[datetime, date]:
    return {p.start: p.day for day in world.listed for p in oracle.offered(world, day)}


def some(data: st.DataObject, starts: list[datetime]) -> list[datetime]:
    """Draw a few of the starts."""
    if not starts:
        return []
    return data.draw(
        st.lists(st.sampled_from(starts), min_size=1, max_size=TRIED, unique=True)
    )


def around_now(world: World, starts: list[datetime]) -> list[datetime]:
    """Return the last of the starts for which it is getting late."""
    late = [start for start in starts if start <= world.now + world.notice * MINUTE]
    return late[-1:]


def off_the_grid(world: World, grid: set[datetime]) -> list[datetime]:
    """Return starts a little beside those of the grid, on the same days."""
    nearby = sorted(grid)[:20]
    beside = {start + timedelta(minutes=n) for start in nearby for n in (-15, 7)}
    days = {start.astimezone(world.zone).date() for start in grid}
    return sorted(
        start for start in beside - grid if start.astimezone(world.zone).date() in days
    )
