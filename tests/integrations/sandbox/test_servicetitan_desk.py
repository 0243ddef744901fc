"""The fake of ServiceTitan: what its call takers make."""

import json
from typing import Any

import pytest

from integrations.sandbox.servicetitan import ServiceTitan
from tests.integrations.sandbox.test_servicetitan import (
    NINE,
    NOON,
    ONE,
    TEN,
    Api,
    api,
    booking,
    clock,
)

__all__ = ["api", "clock"]  # fixtures

ADA = {"name": "Ada Byron", "phone": "6025550142", "start": NINE, "end": TEN}


def booked(api: Api, **given: Any) -> dict[str, Any]:
    """Let a call taker book Ada, and return the job as an application reads it."""
    api.act("book", **ADA | given)
    return dict(api.good("GET", "jpm/jobs")["data"][-1])


def feed(api: Api, path: str) -> list[dict[str, Any]]:
    return list(api.good("GET", path)["data"])


class TestBook:
    """A call comes in."""

    def test_customer_location_and_contacts(self, api) -> None:
        job = booked(
            api, email="ada@example.com", street="1 Elm St", zip="85004", summary="Hot"
        )

        person = api.good("GET", f"crm/customers/{job['customerId']}")
        contacts = api.good("GET", f"crm/customers/{person['id']}/contacts")["data"]
        place = api.good("GET", f"crm/locations/{job['locationId']}")
        assert (person["name"], job["summary"]) == ("Ada Byron", "Hot")
        assert [(row["type"], row["value"]) for row in contacts] == [
            ("MobilePhone", "6025550142"),
            ("Email", "ada@example.com"),
        ]
        assert place["customerId"] == person["id"]
        assert (place["address"]["street"], place["address"]["zip"]) == (
            "1 Elm St",
            "85004",
        )
        assert api.good("GET", "crm/customers?phone=6025550142")["data"] == [person]

    def test_a_job_with_its_appointment_and_crew(self, api) -> None:
        who = api.first("settings/technicians")
        kind = api.good("GET", "jpm/job-types")["data"][2]["id"]

        job = booked(api, technician=who, job_type=kind)

        assert (job["jobTypeId"], job["bookingId"]) == (kind, None)
        assert job["externalData"] == []
        visit = api.good("GET", f"jpm/appointments/{job['firstAppointmentId']}")
        assert (visit["start"], visit["end"], visit["status"]) == (
            NINE,
            TEN,
            "Scheduled",
        )
        path = f"dispatch/appointment-assignments?appointmentIds={visit['id']}"
        assert [row["technicianId"] for row in feed(api, path)] == [who]

    def test_nobody_is_sent_yet(self, api) -> None:
        booked(api)

        assert feed(api, "dispatch/export/appointment-assignments") == []

    @pytest.mark.parametrize(
        "path",
        [
            "crm/export/customers",
            "crm/export/locations",
            "jpm/export/jobs",
            "jpm/export/appointments",
        ],
    )
    def test_it_is_in_the_feeds(self, api, path) -> None:
        booked(api)

        assert len(feed(api, path)) == 1

    def test_callbacks_tell_of_it(self) -> None:
        vendor = ServiceTitan()
        vendor.act("set_webhook", {"url": "http://x/in"})

        told = vendor.act("book", ADA)

        assert [json.loads(each.body)["eventType"] for each in told] == [
            "customer.created",
            "job.created",
            "appointment.created",
        ]

    @pytest.mark.parametrize(
        "given",
        [
            {"start": "soon"},
            {"end": NINE},
            {"technician": 7},
            {"job_type": 7},
            {"hat": "red"},
        ],
    )
    def test_nonsense_leaves_nothing(self, api, given) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            api.act("book", **ADA | given)

        assert feed(api, "crm/customers") == []


class TestAddAppointment:
    """Another day for the same work."""

    def test_it_is_the_jobs_last(self, api) -> None:
        who = api.first("settings/technicians")
        job = booked(api)

        api.act("add_appointment", job=job["id"], start=NOON, end=ONE, technician=who)

        first, second = feed(api, "jpm/export/appointments")
        whole = api.good("GET", f"jpm/jobs/{job['id']}")
        assert (first["jobId"], second["jobId"]) == (job["id"], job["id"])
        assert (whole["firstAppointmentId"], whole["lastAppointmentId"]) == (
            first["id"],
            second["id"],
        )
        [assigned] = feed(api, "dispatch/export/appointment-assignments")
        assert (assigned["appointmentId"], assigned["technicianId"]) == (
            second["id"],
            who,
        )

    @pytest.mark.parametrize(
        "given", [{"start": "soon"}, {"end": NOON}, {"technician": 7}, {"job": 7}]
    )
    def test_nonsense(self, api, given) -> None:
        job = booked(api)
        wish = {"job": job["id"], "start": NOON, "end": ONE} | given

        with pytest.raises(ValueError, match=r"\w"):
            api.act("add_appointment", **wish)

        assert len(feed(api, "jpm/export/appointments")) == 1


def test_a_booking_becomes_a_job_like_any_other(api) -> None:
    made = api.good("POST", "crm/booking-provider/5/bookings", json=booking())

    api.act("convert_booking", booking=made["id"], start=NINE, end=TEN)

    [job] = feed(api, "jpm/export/jobs")
    assert (job["bookingId"], job["summary"]) == (made["id"], "No cooling")
    assert api.good("GET", f"crm/locations/{job['locationId']}")["address"]["street"]
    assert len(feed(api, "crm/customers?zip=85016")) == 1
