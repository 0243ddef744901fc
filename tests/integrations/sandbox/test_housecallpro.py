"""The fake of Housecall Pro against what is known of the vendor."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.housecallpro import (
    ACCESS_TOKEN,
    APPLICATION_KEY,
    COMPANY_KEY,
    WEBHOOK_SECRET,
    HousecallPro,
)
from integrations.sandbox.housecallpro.webhooks import PROBE, signature
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.world import World
from tests.integrations.sandbox.test_world import listening

VECTORS = Path(__file__).parents[1] / "vectors.json"
ADDRESS = {
    "street": "4001 N 24th St",
    "street_line_2": "Unit 2",
    "city": "Phoenix",
    "state": "AZ",
    "zip": "85016",
    "country": "US",
}
NINE = "2026-11-23T16:00:00Z"
TEN = "2026-11-23T17:00:00Z"
NOON = "2026-11-23T19:00:00Z"
ONE = "2026-11-23T20:00:00Z"


class Clock:
    """A clock that we turn."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Api:
    """Calls the company with one of the keys."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.place = running.world.places["housecallpro"]
        self.http = httpx2.Client(base_url=running.at("housecallpro"), timeout=10)
        self.key = f"Token {COMPANY_KEY}"

    def __call__(self, method: str, path: str, **given: Any) -> httpx2.Response:
        headers = {"Authorization": self.key}
        return self.http.request(method, path, headers=headers, **given)

    def good(self, method: str, path: str, **given: Any) -> Any:
        answer = self(method, path, **given)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def act(self, name: str, /, **arguments: Any) -> None:
        self.running.world.act("housecallpro", name, arguments)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(clock) -> Iterator[Api]:
    world = World(pace=0.001, vendors={"housecallpro": HousecallPro(clock=clock)})
    with running_world(world=world) as running:
        there = Api(running)
        yield there
        there.http.close()


def customer(**given: Any) -> dict[str, Any]:
    return {
        "first_name": "Robin",
        "last_name": "Reyes",
        "email": "robin@example.com",
        "mobile_number": "+1 (602) 555-0147",
        "addresses": [ADDRESS],
    } | given


def job(api: Api, **given: Any) -> dict[str, Any]:
    whose = api.good("POST", "/customers", json=customer())
    return {
        "customer_id": whose["id"],
        "address_id": whose["addresses"][0]["id"],
        "schedule": {"scheduled_start": NINE, "scheduled_end": TEN},
    } | given


def new_job(api: Api, **given: Any) -> dict[str, Any]:
    return dict(api.good("POST", "/jobs", json=job(api, **given)))


def employees(api: Api) -> list[str]:
    return [
        row["id"]
        for row in api.good("GET", "/employees?sort_direction=asc")["employees"]
    ]


def visits(api: Api, name: str) -> list[dict[str, Any]]:
    return list(api.good("GET", f"/jobs/{name}/appointments")["appointments"])


class TestTheDoor:
    """Keys."""

    @pytest.mark.parametrize(
        "key",
        [f"Token {COMPANY_KEY}", f"Token {APPLICATION_KEY}", f"Bearer {ACCESS_TOKEN}"],
    )
    def test_three_kinds_of_key(self, api, key) -> None:
        api.key = key

        assert api("GET", "/customers").status_code == 200

    @pytest.mark.parametrize(
        "key",
        ["", "Token x", f"Bearer {COMPANY_KEY}", f"Token {ACCESS_TOKEN}", COMPANY_KEY],
    )
    def test_all_others_get_the_same_answer(self, api, key) -> None:
        api.key = key

        answer = api("GET", "/customers")

        assert answer.status_code == 401
        assert answer.json() == {"message": "Unauthorized"}

    def test_a_company_key_does_not_schedule(self, api) -> None:
        made = new_job(api)
        calls: list[tuple[str, str, Any]] = [
            ("PUT", "schedule", {"start_time": NOON}),
            ("DELETE", "schedule", None),
            ("PUT", "dispatch", {"dispatched_employees": []}),
        ]

        answers = [
            api(verb, f"/jobs/{made['id']}/{what}", json=body)
            for verb, what, body in calls
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 403]
        assert all(answer.json()["message"] for answer in answers)

    def test_an_application_key_knows_no_appointments(self, api) -> None:
        made = new_job(api)
        api.key = f"Token {APPLICATION_KEY}"

        assert api("GET", f"/jobs/{made['id']}/appointments").status_code == 403


class TestRefusals:
    """Five shapes, and a page."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/nothing"), ("DELETE", "/customers/cus_1"), ("GET", "/routes")],
    )
    def test_where_nothing_is_there_is_a_page(self, api, method, path) -> None:
        answer = api(method, path)

        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<!DOCTYPE html>")

    @pytest.mark.parametrize(
        ("call", "status", "shape"),
        [
            (("GET", "/customers/cus_1", b""), 404, {"error": {"message"}}),
            (("POST", "/customers", b"{"), 400, {"error"}),
            (("POST", "/customers", b"[]"), 400, {"error"}),
            (("POST", "/customers", b"{}"), 422, {"errors": {"first_name"}}),
            (("POST", "/customers", b'{"email": 1}'), 400, {"message", "attr"}),
            (("POST", "/jobs", b"{}"), 422, {"errors": {"customer_id", "address_id"}}),
            (("POST", "/leads", b"{}"), 422, {"errors": {"customer_id"}}),
            (("GET", "/jobs?page=0", b""), 400, {"message", "attr"}),
            (("GET", "/jobs?sort_by=color", b""), 400, {"message", "attr"}),
            (("GET", "/jobs?sort_direction=up", b""), 400, {"message", "attr"}),
            (("GET", "/leads?status=cold", b""), 400, {"message", "attr"}),
        ],
    )
    def test_its_shapes(self, api, call, status, shape) -> None:
        method, path, content = call

        answer = api(method, path, content=content)

        told = answer.json()
        assert answer.status_code == status
        if isinstance(shape, dict):
            [(member, names)] = shape.items()
            assert set(told[member]) == names
        else:
            assert set(told) == shape


class TestCustomers:
    """People."""

    def test_one_is_made(self, api) -> None:
        made = api.good("POST", "/customers", json=customer())

        assert made["id"].startswith("cus_")
        assert made["addresses"][0]["id"].startswith("adr_")
        assert made["mobile_number"] == "6025550147"
        assert made["created_at"] == made["updated_at"] == "2026-11-20T12:00:00Z"
        assert api.good("GET", f"/customers/{made['id']}") == made

    def test_sent_twice_is_there_twice(self, api) -> None:
        for _ in range(2):
            api.good("POST", "/customers", json=customer())

        assert api.good("GET", "/customers")["total_items"] == 2

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ("robin reyes", 1),
            ("ROBIN@EXAMPLE.COM", 1),
            ("6025550147", 1),
            ("+1 602-555-0147", 1),
            ("24th", 1),
            ("6025550148", 0),
            ("nobody", 0),
        ],
    )
    def test_one_is_found(self, api, wanted, found) -> None:
        api.good("POST", "/customers", json=customer())

        page = api.good("GET", "/customers", params={"q": wanted})

        assert len(page["customers"]) == found

    def test_one_is_changed(self, api, clock) -> None:
        made = api.good("POST", "/customers", json=customer())
        clock.now += timedelta(seconds=5)

        body = {
            "email": "r@example.com",
            "tags": ["vip"],
            "notifications_enabled": False,
        }
        changed = api.good("PUT", f"/customers/{made['id']}", json=body)

        assert (changed["email"], changed["tags"]) == ("r@example.com", ["vip"])
        assert (changed["first_name"], changed["notifications_enabled"]) == (
            "Robin",
            False,
        )
        assert changed["updated_at"] == "2026-11-20T12:00:05Z"

    def test_an_address_more(self, api) -> None:
        made = api.good("POST", "/customers", json=customer(addresses=[]))
        path = f"/customers/{made['id']}/addresses"

        added = api.good("POST", path, json=ADDRESS)

        assert api.good("GET", path)["addresses"] == [added]
        assert api("POST", path, json={"city": "x"}).status_code == 422

    def test_pages(self, api) -> None:
        for number in range(5):
            api.good("POST", "/customers", json=customer(first_name=f"N{number}"))

        page = api.good(
            "GET", "/customers?page=3&page_size=2&sort_by=created_at&sort_direction=asc"
        )

        assert {
            name: page[name]
            for name in ("page", "page_size", "total_pages", "total_items")
        } == {
            "page": 3,
            "page_size": 2,
            "total_pages": 3,
            "total_items": 5,
        }
        assert [row["first_name"] for row in page["customers"]] == ["N4"]
        assert len(api.good("GET", "/customers")["customers"]) == 5
        assert api.good("GET", "/customers?page=9")["customers"] == []


class TestLeads:
    """Wishes."""

    def test_one_brings_its_customer(self, api) -> None:
        body = {
            "customer": customer(addresses=[]),
            "address": ADDRESS,
            "lead_source": "Website",
            "note": "No cooling",
            "assigned_employee_id": employees(api)[0],
        }

        made = api.good("POST", "/leads", json=body)

        assert (made["status"], made["lost_at"], made["number"]) == ("open", None, 1)
        assert made["address"]["zip"] == "85016"
        assert made["assigned_employee"]["first_name"] == "Ana"
        assert api.good("GET", f"/leads/{made['id']}") == made
        [person] = api.good("GET", "/customers")["customers"]
        assert person["id"] == made["customer"]["id"]

    def test_it_is_listed(self, api) -> None:
        whose = api.good("POST", "/customers", json=customer())
        address = whose["addresses"][0]["id"]
        body = {"customer_id": whose["id"], "address_id": address, "tags": ["a"]}
        first = api.good("POST", "/leads", json=body)
        second = api.good(
            "POST", "/leads", json=body | {"lead_source": "Ads", "tags": []}
        )
        api.act("lose_lead", lead=second["id"])

        def found(query: str) -> list[str]:
            return [row["id"] for row in api.good("GET", f"/leads?{query}")["leads"]]

        assert found("status=open") == [first["id"]]
        assert found("status=lost") == [second["id"]]
        assert found("lead_source=Ads") == [second["id"]]
        assert found("tag_ids[]=a") == [first["id"]]
        assert len(found(f"customer_id={whose['id']}")) == 2
        assert found("customer_id=cus_1") == []
        assert api.good("GET", f"/leads/{second['id']}")["lost_at"]

    def test_it_becomes_a_job_once(self, api) -> None:
        body = {"customer": customer(addresses=[]), "address": ADDRESS}
        lead = api.good("POST", "/leads", json=body)
        path = f"/leads/{lead['id']}"

        made = api.good("POST", f"{path}/convert", json={"type": "job"})

        assert (
            api.good("GET", f"/jobs/{made['job_id']}")["work_status"]
            == "needs scheduling"
        )
        assert api.good("GET", path)["status"] == "won"
        again = api("POST", f"{path}/convert", json={"type": "job"})
        assert (again.status_code, again.json()) == (422, {"error": "Lead is won"})

    def test_it_becomes_an_estimate(self, api) -> None:
        lead = api.good("POST", "/leads", json={"customer": customer()})
        path = f"/leads/{lead['id']}/convert"

        assert api("POST", path, json={"type": "song"}).status_code == 400
        assert api("POST", path, json={"type": "job"}).status_code == 422  # no address
        assert api.good("POST", path, json={"type": "estimate"})["estimate_id"]


class TestJobs:
    """Work."""

    def test_one_is_made_with_its_time(self, api) -> None:
        crew = employees(api)[:1]
        items = [{"name": "Tune-up", "unit_price": 12900, "quantity": 2}]
        schedule = {
            "scheduled_start": NINE,
            "scheduled_end": TEN,
            "arrival_window": 120,
        }

        made = new_job(
            api,
            schedule=schedule,
            assigned_employee_ids=crew,
            line_items=items,
            notes="ref:1",
        )

        assert (made["work_status"], made["total_amount"]) == ("scheduled", 25800)
        assert made["schedule"] == {
            "scheduled_start": NINE,
            "scheduled_end": TEN,
            "arrival_window": 120,
            "appointments": [],
        }
        assert [each["id"] for each in made["assigned_employees"]] == crew
        assert made["notes"][0]["content"] == "ref:1"
        assert "addresses" not in made["customer"]
        assert made["address"]["street"] == "4001 N 24th St"
        whole = api.good("GET", f"/jobs/{made['id']}?expand[]=appointments")
        [visit] = whole["schedule"]["appointments"]
        assert visit == visits(api, made["id"])[0]
        assert (visit["start_time"], visit["dispatched_employees_ids"]) == (NINE, crew)
        assert visit["start_date"] == "2026-11-23"

    def test_one_without_a_time(self, api) -> None:
        made = new_job(api, schedule=None)

        assert made["work_status"] == "needs scheduling"
        assert made["schedule"]["scheduled_start"] is None
        assert visits(api, made["id"]) == []

    def test_an_invoice_number_stands_once(self, api) -> None:
        new_job(api, invoice_number=7)

        again = api("POST", "/jobs", json=job(api, invoice_number="7"))

        assert again.status_code == 422
        assert again.json() == {
            "errors": {"invoice_number": ["has already been taken"]}
        }
        assert (
            api("POST", "/jobs", json=job(api, invoice_number="A7")).status_code == 400
        )
        assert api.good("GET", "/jobs")["total_items"] == 1

    def test_numbers_that_nobody_gave_are_free_ones(self, api) -> None:
        new_job(api, invoice_number="2")

        numbers = [new_job(api)["invoice_number"] for _ in range(2)]

        assert numbers == ["1", "3"]

    @pytest.mark.parametrize(
        "given",
        [
            {"address_id": "adr_1"},
            {"customer_id": "cus_1"},
            {"assigned_employee_ids": ["pro_1"]},
            {"assigned_employee_ids": "pro_1"},
            {"schedule": {"scheduled_start": NINE}},
            {"schedule": {"scheduled_start": TEN, "scheduled_end": NINE}},
            {"schedule": {"scheduled_start": "9:00", "scheduled_end": TEN}},
            {
                "schedule": {
                    "scheduled_start": "2026-11-23T09:00:00",
                    "scheduled_end": TEN,
                }
            },
            {
                "schedule": {
                    "scheduled_start": NINE,
                    "scheduled_end": TEN,
                    "arrival_window": "2 h",
                }
            },
            {"line_items": [{"unit_price": 1}]},
        ],
    )
    def test_a_bad_one_leaves_nothing(self, api, given) -> None:
        answer = api("POST", "/jobs", json=job(api, **given))

        assert answer.status_code in {400, 404, 422}
        assert api.good("GET", "/jobs")["total_items"] == 0

    def test_two_spellings_of_a_status(self, api) -> None:
        waiting = new_job(api, schedule=None)["id"]
        named = {
            "started": "in progress",
            "finished": "complete unrated",
            "gone": "pro canceled",
        }
        jobs = {name: new_job(api)["id"] for name in (*named, "planned")}
        api.act("start", job=jobs["started"])
        api.act("finish", job=jobs["finished"])
        api.act("cancel", job=jobs["gone"])

        def found(*words: str) -> set[str]:
            params = [("work_status[]", word) for word in words]
            return {
                row["id"] for row in api.good("GET", "/jobs", params=params)["jobs"]
            }

        assert found("unscheduled") == {waiting}
        assert found("scheduled") == {jobs["planned"]}
        assert found("in_progress", "completed") == {jobs["started"], jobs["finished"]}
        assert found("canceled") == {jobs["gone"]}
        for name, status in named.items():
            assert api.good("GET", f"/jobs/{jobs[name]}")["work_status"] == status
        assert api("GET", "/jobs?work_status[]=in progress").status_code == 400

    def test_other_filters(self, api) -> None:
        ana, ben = employees(api)
        first = new_job(api, assigned_employee_ids=[ana])
        later = {"scheduled_start": NOON, "scheduled_end": ONE}
        second = new_job(api, schedule=later, assigned_employee_ids=[ben])

        def found(query: str) -> set[str]:
            return {row["id"] for row in api.good("GET", f"/jobs?{query}")["jobs"]}

        assert found(f"scheduled_start_min={TEN}") == {second["id"]}
        assert found(f"scheduled_start_max={TEN}") == {first["id"]}
        assert found(f"employee_ids[]={ana}") == {first["id"]}
        assert found(f"customer_id={second['customer']['id']}") == {second["id"]}

    def test_changes_are_polled_by_their_time(self, api, clock) -> None:
        first, second = new_job(api), new_job(api)
        clock.now += timedelta(seconds=1)
        api.act("start", job=first["id"])

        page = api.good("GET", "/jobs?sort_by=updated_at&sort_direction=desc")

        assert [row["id"] for row in page["jobs"]] == [first["id"], second["id"]]

    def test_notes_and_tags(self, api) -> None:
        path = f"/jobs/{new_job(api)['id']}"

        note = api.good("POST", f"{path}/notes", json={"content": "Gate code 1"})
        api.good("POST", f"{path}/tags", json={"name": "ref:1"})

        now = api.good("GET", path)
        assert (now["notes"], now["tags"]) == ([note], ["ref:1"])
        assert api("POST", f"{path}/notes", json={}).status_code == 422
        assert api("POST", f"{path}/tags", json={}).status_code == 422

    def test_an_application_schedules_and_dispatches(self, api) -> None:
        made = new_job(api)
        path = f"/jobs/{made['id']}"
        before = visits(api, made["id"])[0]["id"]
        crew = {"dispatched_employees": [{"employee_id": employees(api)[1]}]}
        api.key = f"Bearer {ACCESS_TOKEN}"
        times = {"start_time": NOON, "end_time": ONE, "arrival_window_in_minutes": 60}

        moved = api.good("PUT", f"{path}/schedule", json=times)
        sent = api.good("PUT", f"{path}/dispatch", json=crew)
        [visit] = visits(api, made["id"])
        gone = api.good("DELETE", f"{path}/schedule")

        assert moved["schedule"]["scheduled_start"] == NOON
        assert moved["schedule"]["arrival_window"] == 60
        assert [each["first_name"] for each in sent["assigned_employees"]] == ["Ben"]
        assert visit["id"] == before
        assert gone["deleted"] is True
        assert api.good("GET", path)["work_status"] == "needs scheduling"

    def test_many_visits_are_not_moved_as_one(self, api) -> None:
        made = new_job(api)
        body = {"start_time": NOON, "end_time": ONE, "dispatched_employees_ids": []}
        api.good("POST", f"/jobs/{made['id']}/appointments", json=body)
        api.key = f"Token {APPLICATION_KEY}"

        answer = api("PUT", f"/jobs/{made['id']}/schedule", json={"start_time": NOON})

        assert answer.status_code == 422

    def test_no_call_sets_a_status(self, api) -> None:
        path = f"/jobs/{new_job(api)['id']}"

        assert api("PUT", path, json={"work_status": "complete"}).status_code == 404
        assert api("DELETE", path).status_code == 404


class TestAppointments:
    """Visits."""

    def test_they_come_move_and_go(self, api) -> None:
        made = new_job(api, schedule=None)
        path = f"/jobs/{made['id']}/appointments"
        ana, ben = employees(api)
        body = {"start_time": NINE, "end_time": TEN, "dispatched_employees_ids": [ana]}

        added = api.good("POST", path, json=body)
        scheduled = api.good("GET", f"/jobs/{made['id']}")
        one = f"{path}/{added['id']}"
        times = {"start_time": NOON, "end_time": ONE, "dispatched_employees_ids": [ben]}
        moved = api.good("PUT", one, json=times)
        now = api.good("GET", f"/jobs/{made['id']}")
        api.good("DELETE", one)

        assert scheduled["work_status"] == "scheduled"
        assert (moved["id"], moved["start_time"]) == (added["id"], NOON)
        assert now["schedule"]["scheduled_start"] == NOON
        assert [each["id"] for each in now["assigned_employees"]] == [ben]
        assert (
            api.good("GET", f"/jobs/{made['id']}")["work_status"] == "needs scheduling"
        )
        assert api("PUT", one, json=times).status_code == 404

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            ({"end_time": None}, 422),
            ({"dispatched_employees_ids": None}, 422),
            ({"dispatched_employees_ids": ["pro_1"]}, 404),
            ({"dispatched_employees_ids": "pro_1"}, 400),
            ({"end_time": NINE}, 400),
            ({"start_time": 9}, 400),
        ],
    )
    def test_bad_ones(self, api, given, status) -> None:
        made = new_job(api)
        body = {"start_time": NINE, "end_time": TEN, "dispatched_employees_ids": []}

        answer = api("POST", f"/jobs/{made['id']}/appointments", json=body | given)

        assert answer.status_code == status
        assert len(visits(api, made["id"])) == 1

    @pytest.mark.parametrize("act", ["finish", "cancel"])
    def test_what_is_over_is_not_moved(self, api, act) -> None:
        made = new_job(api)
        path = f"/jobs/{made['id']}/appointments/{visits(api, made['id'])[0]['id']}"
        api.act(act, job=made["id"])
        body = {"start_time": NOON, "end_time": ONE, "dispatched_employees_ids": []}

        assert api("PUT", path, json=body).status_code == 422
        assert api("DELETE", path).status_code == 422

    def test_free_windows(self, api) -> None:
        both = {
            "scheduled_start": "2026-11-20T15:00:00Z",
            "scheduled_end": "2026-11-20T16:00:00Z",
        }
        new_job(api, schedule=both, assigned_employee_ids=employees(api))
        path = "/company/schedule_availability/booking_windows"

        windows = api.good("GET", f"{path}?show_for_days=1")["booking_windows"]

        assert [window["available"] for window in windows] == [False, True, True, True]
        assert api("GET", f"{path}?show_for_days=0").status_code == 400


class TestPeopleAtWork:
    """What happens in Housecall Pro's own apps."""

    def test_a_day(self, api) -> None:
        made = new_job(api)
        seen = []
        for act in ("on_my_way", "start", "finish"):
            api.act(act, job=made["id"])
            now = api.good("GET", f"/jobs/{made['id']}")
            stamps = [name for name, at in now["work_timestamps"].items() if at]
            seen.append((now["work_status"], len(stamps)))

        assert seen == [("scheduled", 1), ("in progress", 2), ("complete unrated", 3)]

    def test_the_calendar(self, api) -> None:
        made = new_job(api)
        ana, _ben = employees(api)

        api.act("move", job=made["id"], start=NOON, end=ONE)
        api.act("assign", job=made["id"], employee=ana)
        crew = visits(api, made["id"])[0]["dispatched_employees_ids"]
        api.act("unassign", job=made["id"], employee=ana)

        assert (
            api.good("GET", f"/jobs/{made['id']}")["schedule"]["scheduled_start"]
            == NOON
        )
        assert crew == [ana]
        assert visits(api, made["id"])[0]["dispatched_employees_ids"] == []

    def test_what_is_deleted_is_gone(self, api) -> None:
        made = new_job(api)

        api.act("delete", job=made["id"])

        assert api("GET", f"/jobs/{made['id']}").status_code == 404
        assert api.good("GET", "/jobs")["jobs"] == []

    def test_a_forgotten_change(self, api, clock) -> None:
        made = new_job(api)
        api.place.faults.put(Rule(kind=Kind.FORGOTTEN_UPDATED_AT))
        clock.now += timedelta(seconds=9)

        api.act("move", job=made["id"], start=NOON, end=ONE)

        now = api.good("GET", f"/jobs/{made['id']}")
        assert now["schedule"]["scheduled_start"] == NOON
        assert now["updated_at"] == made["updated_at"]
        note = {"content": "ours is never forgotten"}
        api.good("POST", f"/jobs/{made['id']}/notes", json=note)
        assert api.good("GET", f"/jobs/{made['id']}")["updated_at"] > made["updated_at"]

    def test_a_corrected_customer_shows_in_the_job(self, api) -> None:
        made = new_job(api)

        api.act("edit_customer", customer=made["customer"]["id"], first_name="Rob")
        api.act("add_employee", first_name="Cy", last_name="Dunn", email="cy@shop.test")

        assert api.good("GET", f"/jobs/{made['id']}")["customer"]["first_name"] == "Rob"
        assert len(employees(api)) == 3

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("dance", {}),
            ("start", {}),
            ("start", {"job": "job_1"}),
            ("cancel", {"job": "job_1", "by": "fate"}),
            ("edit_customer", {"customer": "cus_1", "shoe": 7}),
        ],
    )
    def test_nonsense(self, api, name, arguments) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            api.act(name, **arguments)

    def test_nothing_to_move(self, api) -> None:
        made = new_job(api, schedule=None)

        with pytest.raises(ValueError, match="no appointment"):
            api.act("move", job=made["id"], start=NOON, end=ONE)


class TestWebhooks:
    """What we are told."""

    def subscribe(self, api: Api, url: str) -> None:
        api.good("POST", "/webhooks/subscription", json={"url": url})
        assert api.place.sender.wait_until_idle()

    def test_the_url_is_probed_unsigned_and_saved_if_it_takes_that(self, api) -> None:
        with listening() as (url, ear):
            self.subscribe(api, url)

        assert ear.bodies == [PROBE.decode()]
        assert api.running.world.of("housecallpro")["state"]["is_subscribed"] is True

    def test_it_is_not_saved_otherwise(self, api) -> None:
        with listening() as (url, ear):
            ear.refusals = 1
            self.subscribe(api, url)
            new_job(api)
            assert api.place.sender.wait_until_idle()

        assert ear.bodies == [PROBE.decode()]
        assert api.running.world.of("housecallpro")["state"]["is_subscribed"] is False

    def test_what_we_do_comes_back_in_order(self, api) -> None:
        with listening() as (url, ear):
            self.subscribe(api, url)
            made = new_job(api)
            path = f"/jobs/{made['id']}/appointments"
            body = {
                "start_time": NOON,
                "end_time": ONE,
                "dispatched_employees_ids": employees(api)[:1],
            }
            visit = api.good("GET", path)["appointments"][0]["id"]
            api.good("PUT", f"{path}/{visit}", json=body)
            api.good("DELETE", f"{path}/{visit}")
            api.act("cancel", job=made["id"], by="user")
            assert api.place.sender.wait_until_idle()

        told = [json.loads(text) for text in ear.bodies[1:]]
        assert [each["event"] for each in told] == [
            "customer.created",
            "job.created",
            "job.scheduled",
            "job.appointment.rescheduled",
            "job.appointment.appointment_pros_assigned",
            "job.appointment.appointment_discarded",
            "job.canceled",
        ]
        assert set(told[0]) == {"event", "event_occurred_at", "company_id", "customer"}
        assert "job" in told[1]
        assert told[3]["appointment"]["id"] == visit
        assert told[-1]["job"]["work_status"] == "user canceled"

    def test_a_refusal_tells_nobody(self, api) -> None:
        with listening() as (url, ear):
            self.subscribe(api, url)
            api("POST", "/leads", json={"customer": customer(), "address_id": "adr_1"})
            api.good("DELETE", "/webhooks/subscription")
            api.good("POST", "/customers", json=customer())
            assert api.place.sender.wait_until_idle()

        assert ear.bodies == [PROBE.decode()]

    def test_signed_by_time_and_body(self) -> None:
        vendor = HousecallPro(clock=Clock())
        [probe] = vendor.act("set_webhook", {"url": "http://x/in"})
        vendor.told(probe, status=200)

        [callback] = vendor.act(
            "add_employee", {"first_name": "Cy", "last_name": "D", "email": "c@x.test"}
        )

        stamp = callback.headers["Api-Timestamp"]
        assert stamp == "1795176000"
        assert callback.headers["Api-Signature"] == signature(
            callback.body, timestamp=stamp, secret=WEBHOOK_SECRET
        )
        assert "employee" in json.loads(callback.body)

    def test_signed_as_the_vector_is(self) -> None:
        vectors = json.loads(VECTORS.read_text())["vectors"]
        [vector] = [each for each in vectors if each["name"] == "housecallpro-valid"]

        signed = signature(
            vector["body"].encode(),
            timestamp=str(vector["timestamp"]),
            secret=vector["secret"],
        )

        assert signed == vector["headers"]["Api-Signature"]


def test_a_fresh_start(api) -> None:
    new_job(api)

    api.running.world.clear("housecallpro")

    assert api.good("GET", "/jobs")["total_items"] == 0
