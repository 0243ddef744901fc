"""The fake of Housecall Pro: what its office makes."""

import json
from typing import Any

import pytest

from integrations.sandbox.housecallpro import HousecallPro
from tests.integrations.sandbox.test_housecallpro import (
    NINE,
    TEN,
    Api,
    api,
    clock,
    employees,
    new_job,
)

__all__ = ["api", "clock"]  # fixtures

ADA = {"name": "Ada Byron", "phone": "(602) 555-0142"}
TIME = {"start": NINE, "end": TEN}


def booked(api: Api, **given: Any) -> dict[str, Any]:
    """Let the office book Ada, and return the job as a key reads it."""
    api.act("book", **ADA | given)
    [job] = api.good("GET", "/jobs")["jobs"]
    return dict(api.good("GET", f"/jobs/{job['id']}?expand[]=appointments"))


def test_a_customer_with_an_address_and_a_job(api) -> None:
    who = employees(api)[1]

    job = booked(
        api,
        **TIME,
        technician=who,
        street="1 Elm St",
        zip="85004",
        email="ada@example.com",
        summary="No heat",
    )

    [person] = api.good("GET", "/customers?q=6025550142")["customers"]
    assert (person["first_name"], person["last_name"]) == ("Ada", "Byron")
    assert (job["customer"]["id"], job["customer"]["email"]) == (
        person["id"],
        "ada@example.com",
    )
    assert job["address"] == person["addresses"][0]
    assert (job["address"]["street"], job["address"]["zip"]) == ("1 Elm St", "85004")
    assert [note["content"] for note in job["notes"]] == ["No heat"]
    assert [each["id"] for each in job["assigned_employees"]] == [who]
    [visit] = job["schedule"]["appointments"]
    assert (visit["start_time"], visit["end_time"]) == (NINE, TEN)
    assert job["work_status"] == "scheduled"


def test_it_may_wait_for_its_time(api) -> None:
    job = booked(api, name="Ada")

    assert (job["work_status"], job["schedule"]["scheduled_start"]) == (
        "needs scheduling",
        None,
    )
    assert job["customer"]["first_name"] == "Ada"


def test_what_it_is_about(api) -> None:
    job = booked(
        api, job_type="jbt_repair", unit="bsu_service", service="Blower, replaced"
    )

    assert job["job_fields"] == {
        "job_type": {"id": "jbt_repair", "name": "AC Repair"},
        "business_unit": {"id": "bsu_service", "name": "HVAC Service"},
    }
    assert job["description"] == "Blower, replaced"
    assert "line_items" not in job
    [line] = api.good("GET", f"/jobs/{job['id']}/line_items")["data"]
    assert line["name"] == "Blower, replaced"


def test_a_key_says_what_it_is_about_by_ids(api) -> None:
    fields = {"job_type_id": "jbt_tune_up"}

    made = new_job(api, job_fields=fields, line_items=[{"name": "Tune-up"}])

    assert made["job_fields"]["job_type"]["name"] == "AC Tune-Up"
    assert made["job_fields"]["business_unit"] is None
    assert made["description"] == "Tune-up"


def test_callbacks_tell_of_it() -> None:
    vendor = HousecallPro()
    [probe] = vendor.act("set_webhook", {"url": "http://x/in"})
    vendor.told(probe, status=200)

    told = vendor.act("book", ADA | TIME)

    assert [json.loads(each.body)["event"] for each in told] == [
        "customer.created",
        "job.created",
        "job.scheduled",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"start": "soon", "end": TEN},
        {"start": NINE},
        {"start": TEN, "end": NINE},
        {"technician": "pro_nobody"},
        {"job_type": "jbt_dance"},
        {"unit": "bsu_moon"},
        {"name": ""},
        {"hat": "red"},
    ],
)
def test_nonsense_leaves_nothing(api, given) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        api.act("book", **ADA | given)

    assert api.good("GET", "/customers")["customers"] == []
    assert api.good("GET", "/jobs")["jobs"] == []


def test_fields_of_a_job_are_an_object(api) -> None:
    whose = new_job(api)
    body = {
        "customer_id": whose["customer"]["id"],
        "address_id": whose["address"]["id"],
        "job_fields": ["jbt_repair"],
    }

    assert api("POST", "/jobs", json=body).status_code == 400
