"""Housecall Pro: visits that its own office makes, read whole."""

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.connectors.housecallpro import HousecallPro
from integrations.connectors.port import Originating
from integrations.rules.mapping import Rule, body_of, taken_in
from integrations.rules.refusals import Refused
from integrations.rules.things import Remote
from integrations.sandbox.faults import Kind
from integrations.sandbox.faults import Rule as Fault
from integrations.sandbox.housecallpro import (
    APPLICATION_KEY,
    COMPANY_KEY,
)
from integrations.sandbox.housecallpro import (
    HousecallPro as Vendor,
)
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.world import World
from tests.integrations.connectors.calls import Recorder, connect

pytestmark = pytest.mark.django_db

CONNECTOR = HousecallPro()
ADA = {
    "name": "Ada Byron",
    "phone": "(602) 555-0142",
    "email": "Ada@Example.com",
    "street": "1 Elm St",
    "zip": "85004",
}
TEN, ELEVEN = "2027-03-02T17:00:00Z", "2027-03-02T18:00:00Z"
NOON, ONE = "2027-03-02T19:00:00Z", "2027-03-02T20:00:00Z"
TIME = {"start": TEN, "end": ELEVEN}
KEYS = {"company": COMPANY_KEY, "application": APPLICATION_KEY}


@pytest.fixture
def world(settings) -> Iterator[Running]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    alone = World(pace=0.01, vendors={"housecallpro": Vendor()})
    with running_world(world=alone) as world:
        yield world


@pytest.fixture(params=list(KEYS))
def call(request, world) -> Recorder:
    url, kind = world.at("housecallpro"), request.param
    return Recorder(connect("housecallpro", url, key=KEYS[kind], key_type=kind))


def rows(world: Running, name: str) -> list[dict[str, Any]]:
    """Return what the vendor keeps of one kind."""
    return list(world.world.of("housecallpro")["state"][name])


def act(world: Running, name: str, /, **arguments: Any) -> None:
    world.world.act("housecallpro", name, arguments)


def book(world: Running, **given: Any) -> Remote:
    """Let the office book, and return the job as a feed names it."""
    act(world, "book", **{**ADA, **TIME} | given)
    [job] = rows(world, "jobs")
    return Remote(kind="appointment", remote_type="job", remote_id=job["id"])


def change(world: Running, **members: Any) -> dict[str, Any]:
    """Let the only job say something that no act of a person would."""
    place = world.world.places["housecallpro"]
    vendor: Any = place.vendor
    with place.lock:
        [job] = vendor._books.jobs
        job |= members
    return dict(job)


def add_appointment(call: Recorder, remote: Remote, start: str, end: str) -> None:
    path = f"/jobs/{remote.remote_id}/appointments"
    times = {"start_time": start, "end_time": end}
    call("POST", path, json={**times, "dispatched_employees_ids": []})


def whole(call: Recorder, remote: Remote) -> Remote:
    found = CONNECTOR.whole(call, remote)
    assert found is not None
    return found


def parents(remote: Remote) -> dict[str, Remote]:
    return {parent.kind: parent for parent in remote.parents}


def test_it_is_a_vendor_whose_people_make_visits() -> None:
    assert isinstance(CONNECTOR, Originating)


def test_a_job_is_read_with_its_crew(world, call) -> None:
    who = rows(world, "employees")[1]["id"]

    found = whole(
        call,
        book(
            world,
            technician=who,
            job_type="jbt_repair",
            unit="bsu_service",
            service="Blower",
            summary="Dog in the yard",
        ),
    )

    [job] = rows(world, "jobs")
    assert found.fields == {
        "window_starts_at": TEN,
        "starts_at": TEN,
        "ends_at": ELEVEN,
        "status": "scheduled",
        "technicians": [who],
        "service": "jbt_repair",
        "location": "bsu_service",
        "summary": "Blower\nDog in the yard",
    }
    assert (found.kind, found.remote_type, found.remote_id) == (
        "appointment",
        "job",
        job["id"],
    )
    assert found.also == {"job_appointment": job["appointments"][0]["id"]}
    assert found.version


def test_it_brings_customer_and_address(world, call) -> None:
    found = parents(whole(call, book(world)))

    [person] = rows(world, "customers")
    assert set(found) == {"customer", "property"}
    assert found["customer"].remote_id == person["id"]
    assert found["customer"].fields == {
        "name": "Ada Byron",
        "phone": "+16025550142",
        "email": "ada@example.com",
    }
    assert (found["property"].remote_type, found["property"].remote_id) == (
        "address",
        person["addresses"][0]["id"],
    )
    assert found["property"].fields == {
        "line1": "1 Elm St",
        "line2": "",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": "85004",
    }


def test_who_has_no_mobile_phone_is_reached_by_another(world, call) -> None:
    told = book(world)
    person = change(world)["customer"]
    change(
        world, customer={**person, "mobile_number": None, "home_number": "6025550199"}
    )

    assert parents(whole(call, told))["customer"].fields["phone"] == "+16025550199"


def test_a_job_without_an_address_brings_none(world, call) -> None:
    told = book(world)
    change(world, address=None)

    assert set(parents(whole(call, told))) == {"customer"}


# --- What it is about ---------------------------------------------------------


def test_a_type_without_an_id_is_known_by_its_name(world, call) -> None:
    told = book(world)
    change(world, job_fields={"job_type": {"name": "AC Repair"}})

    assert whole(call, told).fields["service"] == "AC Repair"


def test_without_a_type_it_is_known_by_its_first_line(world, call) -> None:
    found = whole(call, book(world, service="AC Tune-Up", summary="Gate 12"))

    assert found.fields["service"] == "AC Tune-Up"
    assert found.fields["summary"] == "Gate 12"
    assert "location" not in found.fields


def test_without_lines_it_is_known_by_its_description(world, call) -> None:
    told = book(world)
    change(world, description="House call")

    assert whole(call, told).fields["service"] == "House call"


def test_a_list_of_lines_that_is_not_there_is_none(world, call) -> None:
    told = book(world, service="AC Tune-Up")
    missing = Fault(kind=Kind.ERROR, path=f"/jobs/{told.remote_id}/line", status=404)
    world.world.places["housecallpro"].faults.put(missing)

    assert whole(call, told).fields["service"] == "AC Tune-Up"


def test_a_list_of_lines_that_is_refused_is_told(world, call) -> None:
    told = book(world)
    refusal = Fault(kind=Kind.ERROR, path=f"/jobs/{told.remote_id}/line", status=422)
    world.world.places["housecallpro"].faults.put(refusal)

    with pytest.raises(Refused):
        CONNECTOR.whole(call, told)


def test_a_job_that_says_nothing_says_nothing(world, call) -> None:
    told = book(world)
    change(world, job_fields=None)

    assert not {"service", "location", "summary"} & set(whole(call, told).fields)


def test_ids_of_theirs_are_ours_once_somebody_mapped_them() -> None:
    row = next(
        row
        for row in CONNECTOR.mapping
        if (row.kind, row.field) == ("appointment", "service")
    )
    begun, mapped = (
        Rule(
            kind=row.kind,
            field=row.field,
            remote=row.remote,
            comes_in=False,
            choices={**row.choices, **choices},
        )
        for choices in ({}, {"repair": "jbt_repair"})
    )

    assert body_of([begun], {"service": "repair"}) == {}
    assert body_of([mapped], {"service": "repair"}) == {
        "job_fields": {"job_type_id": "jbt_repair"}
    }
    assert taken_in([begun], {"service": "jbt_repair"}) == ({}, [])
    assert taken_in([mapped], {"service": "jbt_repair"}) == ({"service": "repair"}, [])


# --- When it is ---------------------------------------------------------------


def test_a_window_that_was_promised_is_ours(world, call) -> None:
    told = book(world)
    schedule = change(world)["schedule"]
    change(world, schedule={**schedule, "arrival_window": 120})

    fields = whole(call, told).fields

    assert (fields["window_starts_at"], fields["window_ends_at"]) == (TEN, NOON)
    assert (fields["starts_at"], fields["ends_at"]) == (TEN, ELEVEN)


def test_an_end_that_is_none_is_left_out(world, call) -> None:
    told = book(world)
    schedule = change(world)["schedule"]
    change(world, schedule={**schedule, "scheduled_end": TEN})

    fields = whole(call, told).fields

    assert fields["starts_at"] == TEN
    assert not {"window_ends_at", "ends_at"} & set(fields)


@pytest.mark.parametrize("call", ["company"], indirect=True)
def test_of_several_appointments_it_is_the_first(world, call) -> None:
    told = book(world, start=NOON, end=ONE)
    add_appointment(call, told, TEN, ELEVEN)

    found = whole(call, told)

    assert (found.fields["starts_at"], found.fields["ends_at"]) == (TEN, ELEVEN)
    assert found.also == {}


@pytest.mark.parametrize("call", ["company"], indirect=True)
def test_how_long_the_first_is_counts_and_not_its_zone(world, call) -> None:
    told = book(world)
    add_appointment(call, told, NOON, ONE)
    first, second = change(world)["appointments"]
    first |= {"start_time": "2027-03-02T10:00:00", "end_time": "2027-03-02T10:30:00"}
    second |= {"start_time": "2027-03-02T12:00:00", "end_time": "2027-03-02T13:00:00"}

    fields = whole(call, told).fields

    assert (fields["starts_at"], fields["ends_at"]) == (TEN, "2027-03-02T17:30:00Z")


def test_a_job_that_waits_for_its_time_is_none(world, call) -> None:
    told = book(world, start="", end="")

    assert CONNECTOR.whole(call, told) is None


def test_a_job_of_any_time_of_the_day_is_none(world, call) -> None:
    told = book(world)
    [visit] = change(world)["appointments"]
    visit["anytime"] = True

    assert CONNECTOR.whole(call, told) is None


def test_a_job_that_was_deleted_is_none(world, call) -> None:
    told = book(world)
    act(world, "delete", job=told.remote_id)

    assert CONNECTOR.whole(call, told) is None


def test_a_job_that_says_that_it_was_deleted_is_none(world, call) -> None:
    told = book(world)
    change(world, deleted_at=TEN)

    assert CONNECTOR.whole(call, told) is None


@pytest.mark.parametrize(
    ("name", "status"), [("cancel", "cancelled"), ("finish", "completed")]
)
def test_one_that_is_over_says_so(world, call, name, status) -> None:
    told = book(world)
    act(world, name, job=told.remote_id)

    assert whole(call, told).fields["status"] == status


def test_without_numbers_of_ours_no_job_is_taken_for_one_of_theirs(world) -> None:
    url = world.at("housecallpro")
    connection = connect("housecallpro", url, key=COMPANY_KEY, invoice_number="none")

    assert CONNECTOR.whole(Recorder(connection), book(world)) is None
