"""The fake of ServiceTitan against what the vendor publishes."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.servicetitan import (
    APP_KEY,
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    ServiceTitan,
)
from integrations.sandbox.servicetitan.webhooks import signature
from integrations.sandbox.world import World
from tests.integrations.sandbox.test_world import listening

ADDRESS = {
    "street": "4001 N 24th St",
    "city": "Phoenix",
    "state": "AZ",
    "zip": "85016",
    "country": "USA",
}
GUID = "0a0a0a0a-0000-4000-8000-000000000001"
NINE = "2026-11-23T16:00:00Z"
TEN = "2026-11-23T17:00:00Z"
NOON = "2026-11-23T19:00:00Z"
ONE = "2026-11-23T20:00:00Z"
SECRET = "0123456789abcdef0123456789abcdef"
VECTORS = Path(__file__).parents[1] / "vectors.json"


class Clock:
    """A clock that we turn."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Api:
    """Calls the tenant as an application would."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.http = httpx2.Client(base_url=running.at("servicetitan"), timeout=10)
        self.headers = {
            "ST-App-Key": APP_KEY,
            "Authorization": f"Bearer {self.token()}",
        }

    def token(self, **given: str) -> str:
        return str(self.ask_token(**given).json()["access_token"])

    def ask_token(self, **given: str) -> httpx2.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        return self.http.post("/connect/token", data=form | given)

    def __call__(self, method: str, path: str, **given: Any) -> httpx2.Response:
        module, _, rest = path.partition("/")
        url = f"/{module}/v2/tenant/{TENANT}/{rest}"
        return self.http.request(method, url, headers=self.headers, **given)

    def good(self, method: str, path: str, **given: Any) -> Any:
        answer = self(method, path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def first(self, path: str) -> int:
        return int(self.good("GET", path)["data"][0]["id"])

    def act(self, name: str, /, **arguments: Any) -> None:
        self.running.world.act("servicetitan", name, arguments)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(clock) -> Iterator[Api]:
    world = World(pace=0.001, vendors={"servicetitan": ServiceTitan(clock=clock)})
    with running_world(world=world) as running:
        there = Api(running)
        yield there
        there.http.close()


def booking(**given: Any) -> dict[str, Any]:
    return {
        "source": "Fieldbook",
        "name": "Robin Reyes",
        "summary": "No cooling",
        "isFirstTimeClient": True,
        "externalId": "lead-1",
    } | given


def customer(**given: Any) -> dict[str, Any]:
    return {
        "name": "Robin Reyes",
        "address": ADDRESS,
        "locations": [{"name": "Home", "address": ADDRESS}],
        "contacts": [
            {"type": "MobilePhone", "value": "(602) 555-0147"},
            {"type": "Email", "value": "robin@example.com"},
        ],
    } | given


def external(**pairs: str) -> dict[str, Any]:
    told = [{"key": key, "value": value} for key, value in pairs.items()]
    return {"applicationGuid": GUID, "externalData": told}


def job(api: Api, **given: Any) -> dict[str, Any]:
    whose = api.good("POST", "crm/customers", json=customer())
    return {
        "customerId": whose["id"],
        "locationId": whose["locations"][0]["id"],
        "businessUnitId": api.first("settings/business-units"),
        "jobTypeId": api.first("jpm/job-types"),
        "campaignId": api.first("marketing/campaigns"),
        "priority": "Normal",
        "appointments": [{"start": NINE, "end": TEN}],
    } | given


def visit_of(api: Api, **given: Any) -> dict[str, Any]:
    made = api.good("POST", "jpm/jobs", json=job(api, **given))
    return dict(api.good("GET", f"jpm/appointments/{made['firstAppointmentId']}"))


class TestTheDoor:
    """Tokens and keys."""

    def test_a_token_of_the_client(self, api) -> None:
        told = api.ask_token().json()

        assert set(told) == {"access_token", "expires_in", "token_type", "scope"}
        assert (told["expires_in"], told["token_type"]) == (900, "Bearer")

    @pytest.mark.parametrize(
        "given",
        [{"client_secret": "x"}, {"client_id": "x"}, {"grant_type": "password"}],
    )
    def test_no_token_for_others(self, api, given) -> None:
        answer = api.ask_token(**given)

        assert answer.status_code == 400
        assert answer.json()["error"]

    @pytest.mark.parametrize(
        ("headers", "says"),
        [
            ({}, "application key is missing"),
            ({"ST-App-Key": "x"}, "application key is not valid"),
            ({"ST-App-Key": APP_KEY}, "access token"),
            ({"ST-App-Key": APP_KEY, "Authorization": "Bearer x"}, "access token"),
        ],
    )
    def test_no_way_in_without_key_and_token(self, api, headers, says) -> None:
        url = f"/crm/v2/tenant/{TENANT}/customers"

        answer = api.http.get(url, headers=headers)

        assert answer.status_code == 401
        assert says in answer.json()["title"]

    def test_a_token_ends(self, api, clock) -> None:
        api.act("set_token_life", seconds=60)
        api.headers["Authorization"] = f"Bearer {api.token()}"
        before = api("GET", "crm/customers").status_code
        clock.now += timedelta(seconds=61)

        assert (before, api("GET", "crm/customers").status_code) == (200, 401)

    def test_a_token_is_revoked(self, api) -> None:
        api.act("revoke_tokens")

        assert api("GET", "crm/customers").status_code == 401

    def test_another_tenant(self, api) -> None:
        answer = api.http.get("/crm/v2/tenant/7/customers", headers=api.headers)

        assert answer.status_code == 403

    def test_a_problem_has_its_form(self, api) -> None:
        answer = api("GET", "crm/customers/7")

        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        told = answer.json()
        assert set(told) == {"type", "title", "status", "traceId", "errors", "data"}
        assert told["status"] == 404

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "crm/nothing"), ("PUT", "crm/customers")]
    )
    def test_there_is_nothing_else(self, api, method, path) -> None:
        assert api(method, path).status_code == 404


class TestBookings:
    """Wishes for the call takers."""

    def test_one_is_made_and_found(self, api) -> None:
        path = "crm/booking-provider/5/bookings"
        body = booking(address=ADDRESS, start="2026-11-23T09:00:00-07:00")

        made = api.good("POST", path, json=body)

        assert made["status"] == "New"
        assert made["start"] == NINE
        assert (made["bookingProviderId"], made["jobId"]) == (5, None)
        found = api.good("GET", f"{path}?externalId=lead-1")["data"]
        assert [row["id"] for row in found] == [made["id"]]
        assert api.good("GET", f"{path}/{made['id']}") == made
        assert api.good("GET", f"crm/bookings/{made['id']}") == made
        assert api.good("GET", f"{path}?externalId=lead")["data"] == []

    def test_sent_twice_it_is_there_twice(self, api) -> None:
        path = "crm/booking-provider/5/bookings"
        for _ in range(2):
            api.good("POST", path, json=booking())

        assert len(api.good("GET", f"{path}?externalId=lead-1")["data"]) == 2

    @pytest.mark.parametrize(
        ("given", "member"),
        [
            ({"externalId": None}, "externalId"),
            ({"name": " "}, "name"),
            ({"isFirstTimeClient": "yes"}, "isFirstTimeClient"),
            ({"address": {**ADDRESS, "zip": ""}}, "address.zip"),
            ({"address": {"street": "x"}}, "address.city"),
            ({"contacts": [{"type": "Pigeon", "value": "x"}]}, "contacts[0].type"),
            ({"contacts": {}}, "contacts"),
            ({"start": "2026-11-23T09:00:00"}, "start"),
            ({"priority": "Now"}, "priority"),
            ({"jobTypeId": 7}, "jobTypeId"),
            ({"jobTypeId": "7"}, "jobTypeId"),
        ],
    )
    def test_a_bad_body_is_told_by_member(self, api, given, member) -> None:
        body = booking(**given)

        answer = api("POST", "crm/booking-provider/5/bookings", json=body)

        assert answer.status_code == 400
        assert member in answer.json()["errors"]

    @pytest.mark.parametrize("content", [b"", b"[]", b"{"])
    def test_no_body(self, api, content) -> None:
        answer = api("POST", "crm/booking-provider/5/bookings", content=content)

        assert answer.status_code == 400

    def test_one_is_changed_until_it_is_settled(self, api) -> None:
        path = "crm/booking-provider/5/bookings"
        made = api.good("POST", path, json=booking(contacts=customer()["contacts"]))
        one = f"{path}/{made['id']}"
        changed = api.good("PATCH", one, json={"summary": "Warm"})
        api.act("convert_booking", booking=made["id"], start=NINE, end=TEN)

        settled = api.good("GET", one)
        assert changed["summary"] == "Warm"
        assert changed["modifiedOn"] > made["modifiedOn"]
        assert settled["status"] == "Converted"
        [its_job] = api.good("GET", f"jpm/jobs?bookingId={made['id']}")["data"]
        assert its_job["id"] == settled["jobId"]
        assert api("PATCH", one, json={"summary": "Hot"}).status_code == 409

    def test_of_another_provider(self, api) -> None:
        made = api.good("POST", "crm/booking-provider/5/bookings", json=booking())

        path = f"crm/booking-provider/6/bookings/{made['id']}"

        assert api("GET", path).status_code == 404
        assert api.good("GET", "crm/booking-provider/6/bookings")["data"] == []


class TestLeads:
    """Wishes that somebody follows."""

    def test_one_is_made_changed_and_dismissed(self, api) -> None:
        campaign = api.first("marketing/campaigns")
        body = {"campaignId": campaign, "summary": "x", "followUpDate": NINE}

        made = api.good("POST", "crm/leads", json=body)
        path = f"crm/leads/{made['id']}"
        changed = api.good("PATCH", path, json={"priority": "High"})
        api.good("POST", f"{path}/notes", json={"text": "Called"})
        api.good("POST", f"{path}/dismiss", json={"dismissingReasonId": 1})

        assert (made["status"], changed["priority"]) == ("Open", "High")
        assert made["leadUrl"].endswith(str(made["id"]))
        assert api.good("GET", path)["status"] == "Dismissed"
        again = api("POST", f"{path}/dismiss", json={"dismissingReasonId": 1})
        assert again.status_code == 409

    def test_it_wants_a_reason_or_a_date(self, api) -> None:
        body = {"campaignId": api.first("marketing/campaigns"), "summary": "x"}

        assert api("POST", "crm/leads", json=body).status_code == 400

    def test_without_ids(self, api) -> None:
        made = api.good("POST", "crm/leads/form", json={"name": "Robin Reyes"})

        assert api.good("GET", f"crm/leads/{made['leadId']}")["name"] == "Robin Reyes"


class TestCustomers:
    """People and places."""

    def test_a_new_one_comes_with_all_its_ids(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())

        assert made["type"] == "Residential"
        assert [place["name"] for place in made["locations"]] == ["Home"]
        assert made["locations"][0]["customerId"] == made["id"]
        assert [each["type"] for each in made["contacts"]] == ["MobilePhone", "Email"]
        assert all(each["id"] for each in made["contacts"])

    def test_who_reads_one_is_told_neither_places_nor_contacts(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())

        read = api.good("GET", f"crm/customers/{made['id']}")

        assert not {"locations", "contacts"} & set(read)
        there = api.good("GET", f"crm/locations?customerId={made['id']}")["data"]
        assert [place["id"] for place in there] == [made["locations"][0]["id"]]
        contacts = api.good("GET", f"crm/customers/{made['id']}/contacts")["data"]
        assert [each["value"] for each in contacts] == [
            "(602) 555-0147",
            "robin@example.com",
        ]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("phone=6025550147", 1),
            ("phone=%2B1 602 555 0147", 1),
            ("phone=6025550199", 0),
            ("name=reyes", 1),
            ("street=4001", 1),
            ("zip=85016", 1),
            ("zip=85017", 0),
            ("email=robin@example.com", 1),  # no such filter: it is ignored
            ("email=nobody@example.com", 1),
        ],
    )
    def test_one_is_found(self, api, query, found) -> None:
        api.good("POST", "crm/customers", json=customer())

        assert len(api.good("GET", f"crm/customers?{query}")["data"]) == found

    def test_one_is_found_by_our_own_key(self, api) -> None:
        body = customer(externalData=external(dispatch_ref="c-1"))
        made = api.good("POST", "crm/customers", json=body)
        api.good("POST", "crm/customers", json=customer())
        ours = f"externalDataApplicationGuid={GUID}"
        query = f"{ours}&externalDataKey=dispatch_ref&externalDataValues"

        found = api.good("GET", f"crm/customers?{query}=c-0,c-1")["data"]

        assert [row["id"] for row in found] == [made["id"]]
        assert found[0]["externalData"] == [{"key": "dispatch_ref", "value": "c-1"}]
        assert api.good("GET", f"crm/customers?{query}=c-2")["data"] == []
        assert api.good("GET", f"crm/customers/{made['id']}")["externalData"] == []

    @pytest.mark.parametrize(
        ("mode", "kept"),
        [
            ({}, {"b"}),
            ({"patchMode": "Replace"}, {"b"}),
            ({"patchMode": "Merge"}, {"a", "b"}),
        ],
    )
    def test_other_keys_are_dropped_unless_merged(self, api, mode, kept) -> None:
        made = api.good(
            "POST", "crm/customers", json=customer(externalData=external(a="1"))
        )
        body = {"externalData": external(b="2") | mode}

        changed = api.good("PATCH", f"crm/customers/{made['id']}", json=body)

        assert {pair["key"] for pair in changed["externalData"]} == kept

    def test_one_is_changed(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())
        path = f"crm/customers/{made['id']}"

        changed = api.good("PATCH", path, json={"name": "Robin R."})

        assert changed["name"] == "Robin R."
        assert changed["modifiedOn"] > made["modifiedOn"]
        assert api("PATCH", path, json={"name": 1}).status_code == 400

    def test_contacts_come_and_go(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())
        path = f"crm/customers/{made['id']}/contacts"
        one = f"{path}/{made['contacts'][0]['id']}"

        api.good("PATCH", one, json={"value": "6025550199"})
        new = api.good("POST", path, json={"type": "Phone", "value": "6025550111"})
        api.good("DELETE", f"{path}/{new['id']}")

        values = [row["value"] for row in api.good("GET", path)["data"]]
        assert values == ["6025550199", "robin@example.com"]
        assert api("PATCH", f"{path}/{new['id']}", json={}).status_code == 404

    def test_a_place_more(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())
        body = {"customerId": made["id"], "name": "Cabin", "address": ADDRESS}

        place = api.good("POST", "crm/locations", json=body)
        path = f"crm/locations/{place['id']}"
        api.good("PATCH", path, json={"name": "Hut"})

        assert api.good("GET", path)["name"] == "Hut"
        assert (
            api("POST", "crm/locations", json=body | {"customerId": 7}).status_code
            == 409
        )


class TestJobs:
    """Work."""

    def test_one_comes_with_its_first_appointment(self, api) -> None:
        crew = [api.first("settings/technicians")]
        window = {"arrivalWindowStart": NINE, "arrivalWindowEnd": NOON}
        times = {"start": NINE, "end": TEN, "technicianIds": crew, **window}

        made = api.good("POST", "jpm/jobs", json=job(api, appointments=[times]))

        assert (made["jobStatus"], made["appointmentCount"]) == ("Scheduled", 1)
        assert made["jobNumber"]
        assert made["firstAppointmentId"] == made["lastAppointmentId"]
        visit = api.good("GET", f"jpm/appointments/{made['firstAppointmentId']}")
        assert (visit["start"], visit["end"], visit["status"]) == (
            NINE,
            TEN,
            "Scheduled",
        )
        assert (visit["arrivalWindowEnd"], visit["isConfirmed"]) == (NOON, False)
        query = f"appointmentIds={visit['id']}"
        [assigned] = api.good("GET", f"dispatch/appointment-assignments?{query}")[
            "data"
        ]
        assert (assigned["technicianId"], assigned["status"]) == (crew[0], "Scheduled")

    @pytest.mark.parametrize(
        ("given", "member"),
        [
            ({"customerId": 7}, "customerId"),
            ({"appointments": []}, "appointments"),
            ({"appointments": [{"start": NINE}]}, "appointments[0].end"),
            ({"appointments": [{"start": TEN, "end": NINE}]}, "end"),
            (
                {"appointments": [{"start": NINE, "end": TEN, "technicianIds": [7]}]},
                "technicianIds",
            ),
            ({"priority": None}, "priority"),
        ],
    )
    def test_a_bad_one_is_refused(self, api, given, member) -> None:
        answer = api("POST", "jpm/jobs", json=job(api, **given))

        assert answer.status_code == 400
        assert member in answer.json()["errors"]
        assert api.good("GET", "jpm/jobs")["data"] == []

    def test_at_a_place_of_somebody_else(self, api) -> None:
        other = api.good("POST", "crm/customers", json=customer())

        answer = api("POST", "jpm/jobs", json=job(api, customerId=other["id"]))

        assert answer.status_code == 400

    def test_one_is_found_by_our_own_key(self, api) -> None:
        body = job(api, externalData=external(dispatch_ref="a-1"))
        made = [api.good("POST", "jpm/jobs", json=body) for _ in range(2)]
        query = (
            f"externalDataApplicationGuid={GUID}&externalDataKey=dispatch_ref"
            "&externalDataValues=a-1"
        )

        found = api.good("GET", f"jpm/jobs?{query}")["data"]

        assert [row["id"] for row in found] == [row["id"] for row in made]

    def test_more_appointments(self, api) -> None:
        first = visit_of(api)
        body = {"jobId": first["jobId"], "start": NOON, "end": ONE}

        second = api.good("POST", "jpm/appointments", json=body)

        whole = api.good("GET", f"jpm/jobs/{first['jobId']}")
        assert whole["appointmentCount"] == 2
        assert whole["lastAppointmentId"] == second["id"]
        found = api.good("GET", f"jpm/appointments?jobId={first['jobId']}")["data"]
        assert [row["id"] for row in found] == [first["id"], second["id"]]
        early = api.good("GET", f"jpm/appointments?startsBefore={NOON}")["data"]
        assert [row["id"] for row in early] == [first["id"]]

    def test_it_is_canceled_with_a_reason_and_comes_back(self, api) -> None:
        visit = visit_of(api)
        path = f"jpm/jobs/{visit['jobId']}"
        reason = {"reasonId": api.first("jpm/job-cancel-reasons"), "memo": "x"}

        api.good("PUT", f"{path}/cancel", json=reason)
        gone = api.good("GET", f"jpm/appointments/{visit['id']}")["status"]
        again = api("PUT", f"{path}/cancel", json=reason).status_code
        api.good("PUT", f"{path}/remove-cancellation")

        assert (gone, again) == ("Canceled", 409)
        assert api.good("GET", path)["jobStatus"] == "Scheduled"
        assert (
            api("PUT", f"{path}/cancel", json={"reasonId": 7, "memo": ""}).status_code
            == 400
        )
        assert api("PUT", f"{path}/cancel", json={"memo": ""}).status_code == 400

    def test_it_is_not_canceled_under_way(self, api) -> None:
        visit = visit_of(api)
        api.act("work", appointment=visit["id"])
        reason = {"reasonId": api.first("jpm/job-cancel-reasons"), "memo": "x"}

        answer = api("PUT", f"jpm/jobs/{visit['jobId']}/cancel", json=reason)

        assert answer.status_code == 409

    def test_it_is_completed_once(self, api) -> None:
        visit = visit_of(api)
        path = f"jpm/jobs/{visit['jobId']}"

        api.good("PUT", f"{path}/complete", json={"completedOn": TEN})

        assert api.good("GET", path)["completedOn"] == TEN
        assert api.good("GET", f"jpm/appointments/{visit['id']}")["status"] == "Done"
        again = api("PUT", f"{path}/complete", json={"completedOn": TEN})
        assert again.status_code == 409


class TestAppointments:
    """Visits."""

    def test_one_is_moved_in_place(self, api) -> None:
        visit = visit_of(api)
        path = f"jpm/appointments/{visit['id']}"
        times = {"start": NOON, "end": ONE}

        moved = api.good("PATCH", f"{path}/reschedule", json=times)

        assert (moved["id"], moved["start"], moved["end"]) == (visit["id"], NOON, ONE)
        assert moved["modifiedOn"] > visit["modifiedOn"]
        wrong = api("PATCH", f"{path}/reschedule", json={"start": ONE, "end": NOON})
        assert wrong.status_code == 400

    @pytest.mark.parametrize("act", ["work", "finish"])
    def test_one_that_began_is_not_moved(self, api, act) -> None:
        visit = visit_of(api)
        api.act(act, appointment=visit["id"])
        times = {"start": NOON, "end": ONE}

        answer = api("PATCH", f"jpm/appointments/{visit['id']}/reschedule", json=times)

        assert answer.status_code == 409

    def test_it_is_confirmed_once(self, api) -> None:
        path = f"jpm/appointments/{visit_of(api)['id']}/confirmation"

        statuses = [
            api(verb, path).status_code for verb in ("PUT", "PUT", "DELETE", "DELETE")
        ]

        assert statuses == [200, 409, 200, 409]

    def test_it_is_held_and_released(self, api) -> None:
        visit = visit_of(api)
        path = f"jpm/appointments/{visit['id']}"
        reason = {"reasonId": api.first("jpm/job-hold-reasons"), "memo": "Parts"}

        held = api("PUT", f"{path}/hold", json=reason).status_code
        again = api("PUT", f"{path}/hold", json=reason).status_code
        status = api.good("GET", path)["status"]
        released = [api("DELETE", f"{path}/hold").status_code for _ in range(2)]

        assert (held, again, status, released) == (200, 409, "Hold", [200, 409])

    def test_only_one_of_many_is_deleted(self, api) -> None:
        visit = visit_of(api)
        path = f"jpm/appointments/{visit['id']}"
        only = api("DELETE", path).status_code
        body = {"jobId": visit["jobId"], "start": NOON, "end": ONE}
        api.good("POST", "jpm/appointments", json=body)

        deleted = api("DELETE", path).status_code

        assert (only, deleted, api("GET", path).status_code) == (409, 200, 404)

    def test_a_crew_is_assigned_and_taken_off(self, api) -> None:
        visit = visit_of(api)
        who = api.first("settings/technicians")
        crew = {"jobAppointmentId": visit["id"], "technicianIds": [who]}
        path = "dispatch/appointment-assignments"

        for _ in range(2):
            api.good("POST", f"{path}/assign-technicians", json=crew)
        there = api.good("GET", f"{path}?jobId={visit['jobId']}")["data"]
        api.good("POST", f"{path}/unassign-technicians", json=crew)
        now = api.good("GET", f"{path}?jobId={visit['jobId']}")["data"]
        all_of_them = api.good("GET", f"{path}?jobId={visit['jobId']}&active=Any")[
            "data"
        ]

        assert [row["technicianId"] for row in there] == [who]
        assert now == []
        assert [row["active"] for row in all_of_them] == [False]
        wrong = crew | {"technicianIds": [7]}
        assert api("POST", f"{path}/assign-technicians", json=wrong).status_code == 400

    def test_nobody_is_assigned_to_what_is_over(self, api) -> None:
        visit = visit_of(api)
        api.act("finish", appointment=visit["id"])
        crew = {"jobAppointmentId": visit["id"], "technicianIds": []}

        answer = api(
            "POST", "dispatch/appointment-assignments/assign-technicians", json=crew
        )

        assert answer.status_code == 409

    def test_free_hours(self, api) -> None:
        who = [row["id"] for row in api.good("GET", "settings/technicians")["data"]]
        times = {"start": "2026-11-23T15:00:00Z", "end": "2026-11-23T17:00:00Z"}
        visit_of(api, appointments=[{**times, "technicianIds": who}])
        body = {
            "startsOnOrAfter": "2026-11-23T00:00:00Z",
            "endsOnOrBefore": "2026-11-24T00:00:00Z",
            "skillBasedAvailability": False,
        }

        blocks = api.good("POST", "dispatch/capacity", json=body)["availabilities"]

        assert [block["isAvailable"] for block in blocks] == [False, True, True, True]
        assert blocks[1]["openAvailability"] == 4


class TestLists:
    """Pages and filters."""

    def test_pages(self, api) -> None:
        for number in range(5):
            api.good("POST", "crm/customers", json=customer(name=f"N{number}"))

        page = api.good("GET", "crm/customers?page=2&pageSize=2&includeTotal=true")

        assert [row["name"] for row in page["data"]] == ["N2", "N3"]
        assert (page["page"], page["pageSize"]) == (2, 2)
        assert (page["hasMore"], page["totalCount"]) == (True, 5)
        last = api.good("GET", "crm/customers?page=3&pageSize=2")
        assert last["hasMore"] is False
        assert "totalCount" not in last

    def test_filters_and_order(self, api, clock) -> None:
        first = api.good("POST", "crm/customers", json=customer(name="A"))
        clock.now += timedelta(minutes=5)
        since = clock.now.isoformat().replace("+00:00", "Z")
        second = api.good("POST", "crm/customers", json=customer(name="B"))

        def names(query: str) -> list[str]:
            rows = api.good("GET", f"crm/customers?{query}")["data"]
            return [row["name"] for row in rows]

        assert names(f"ids={first['id']}") == ["A"]
        assert names(f"ids={first['id']},{second['id']}") == ["A", "B"]
        assert names(f"modifiedOnOrAfter={since}") == ["B"]
        assert names(f"modifiedBefore={since}") == ["A"]
        assert names("sort=-ModifiedOn") == ["B", "A"]
        api.good("PATCH", f"crm/customers/{first['id']}", json={"active": False})
        assert names("") == ["B"]
        assert names("active=Any") == ["A", "B"]
        assert names(f"modifiedOnOrAfter={since}&active=False") == ["A"]

    @pytest.mark.parametrize(
        "query",
        [
            "page=0",
            "pageSize=5001",
            "pageSize=x",
            "sort=Name",
            "active=maybe",
            "modifiedOnOrAfter=now",
            "ids=" + ",".join(map(str, range(51))),
            "externalDataKey=x",
        ],
    )
    def test_nonsense(self, api, query) -> None:
        api.good("POST", "crm/customers", json=customer())

        answer = api("GET", f"crm/customers?{query}")

        assert answer.status_code == 400
        assert answer.json()["errors"]

    @pytest.mark.parametrize(
        "path",
        [
            "settings/technicians",
            "settings/business-units",
            "jpm/job-types",
            "jpm/job-cancel-reasons",
            "jpm/job-hold-reasons",
            "marketing/campaigns",
        ],
    )
    def test_lists_of_the_house(self, api, path) -> None:
        rows = api.good("GET", path)["data"]

        assert all(row["name"] for row in rows)
        assert api.good("GET", f"{path}/{rows[0]['id']}") == rows[0]


class TestFeeds:
    """What changed."""

    def feed(self, api: Api, **query: str) -> dict[str, Any]:
        return dict(api.good("GET", "jpm/export/appointments", params=query))

    def test_each_change_once_by_its_token(self, api) -> None:
        first, second = visit_of(api), visit_of(api)
        page = self.feed(api)
        api.act("move", appointment=first["id"], start=NOON, end=ONE)

        after = self.feed(api, **{"from": page["continueFrom"]})

        assert [row["id"] for row in page["data"]] == [first["id"], second["id"]]
        assert page["hasMore"] is False
        assert [row["id"] for row in after["data"]] == [first["id"]]
        assert after["data"][0]["start"] == NOON
        nothing = self.feed(api, **{"from": after["continueFrom"]})
        assert nothing["data"] == []
        assert nothing["continueFrom"] == after["continueFrom"]

    def test_recent_ones_sooner_and_again(self, api, clock) -> None:
        api.act("set_feed_lag", seconds=300)
        visit = visit_of(api)

        settled = self.feed(api)
        recent = self.feed(api, includeRecentChanges="true")
        query = {"from": recent["continueFrom"], "includeRecentChanges": "true"}
        again = self.feed(api, **query)
        clock.now += timedelta(seconds=301)

        assert settled["data"] == []
        assert [row["id"] for row in recent["data"]] == [visit["id"]]
        assert [row["id"] for row in again["data"]] == [visit["id"]]
        assert len(self.feed(api)["data"]) == 1

    def test_from_a_date(self, api) -> None:
        visit_of(api)

        assert len(self.feed(api, **{"from": "2026-11-20"})["data"]) == 1
        assert self.feed(api, **{"from": "2026-11-21"})["data"] == []

    def test_no_token(self, api) -> None:
        assert api("GET", "jpm/export/appointments?from=x").status_code == 400

    def test_many(self, api) -> None:
        for number in range(205):
            api.good("POST", "crm/leads/form", json={"name": f"N{number}"})

        page = api.good("GET", "crm/export/leads")
        rest = api.good("GET", f"crm/export/leads?from={page['continueFrom']}")

        assert (len(page["data"]), page["hasMore"]) == (200, True)
        assert (len(rest["data"]), rest["hasMore"]) == (5, False)

    @pytest.mark.parametrize(
        "path",
        [
            "jpm/export/jobs",
            "crm/export/bookings",
            "crm/export/customers",
            "crm/export/locations",
            "crm/export/customers/contacts",
            "dispatch/export/appointment-assignments",
            "settings/export/technicians",
        ],
    )
    def test_the_others(self, api, path) -> None:
        api.good("POST", "crm/booking-provider/5/bookings", json=booking())
        who = api.first("settings/technicians")
        visit_of(
            api, appointments=[{"start": NINE, "end": TEN, "technicianIds": [who]}]
        )

        rows = api.good("GET", path)["data"]

        assert rows
        assert not [name for row in rows for name in row if name.startswith("_")]

    def test_a_forgotten_change_is_in_no_feed(self, api) -> None:
        visit = visit_of(api)
        token = self.feed(api)["continueFrom"]
        rule = Rule(kind=Kind.FORGOTTEN_UPDATED_AT)
        api.running.world.places["servicetitan"].faults.put(rule)

        api.act("move", appointment=visit["id"], start=NOON, end=ONE)

        now = api.good("GET", f"jpm/appointments/{visit['id']}")
        assert (now["start"], now["modifiedOn"]) == (NOON, visit["modifiedOn"])
        assert self.feed(api, **{"from": token})["data"] == []

    def test_what_we_change_ourselves_is_never_forgotten(self, api) -> None:
        visit = visit_of(api)
        rule = Rule(kind=Kind.FORGOTTEN_UPDATED_AT)
        api.running.world.places["servicetitan"].faults.put(rule)
        path = f"jpm/appointments/{visit['id']}/reschedule"

        moved = api.good("PATCH", path, json={"start": NOON, "end": ONE})

        assert moved["modifiedOn"] > visit["modifiedOn"]


class TestPeopleAtWork:
    """What happens in ServiceTitan's own apps."""

    def test_a_day(self, api) -> None:
        visit = visit_of(api)
        who = api.first("settings/technicians")
        seen = []
        for act in ("dispatch", "work", "finish"):
            if act == "dispatch":
                api.act("assign", appointment=visit["id"], technician=who)
            api.act(act, appointment=visit["id"])
            now = api.good("GET", f"jpm/appointments/{visit['id']}")
            its_job = api.good("GET", f"jpm/jobs/{visit['jobId']}")
            path = f"dispatch/appointment-assignments?jobId={visit['jobId']}"
            [crew] = api.good("GET", path)["data"]
            seen.append((now["status"], its_job["jobStatus"], crew["status"]))

        assert seen == [
            ("Dispatched", "Scheduled", "Dispatched"),
            ("Working", "InProgress", "Working"),
            ("Done", "Completed", "Done"),
        ]

    def test_somebody_cancels(self, api) -> None:
        visit = visit_of(api)

        api.act("cancel", job=visit["jobId"])

        now = api.good("GET", f"jpm/appointments/{visit['id']}")
        assert now["status"] == "Canceled"

    def test_somebody_corrects_a_customer(self, api) -> None:
        made = api.good("POST", "crm/customers", json=customer())

        api.act(
            "edit_customer", customer=made["id"], name="R. Reyes", phone="6025550199"
        )

        path = f"crm/customers/{made['id']}"
        assert api.good("GET", path)["name"] == "R. Reyes"
        assert api.good("GET", f"{path}/contacts")["data"][0]["value"] == "6025550199"

    def test_somebody_is_taken_off_and_hired(self, api) -> None:
        who = api.first("settings/technicians")
        visit = visit_of(
            api, appointments=[{"start": NINE, "end": TEN, "technicianIds": [who]}]
        )

        api.act("unassign", appointment=visit["id"], technician=who)
        api.act("add_technician", name="Cy Dunn", email="cy@shop.test")

        path = f"dispatch/appointment-assignments?jobId={visit['jobId']}"
        assert api.good("GET", path)["data"] == []
        names = [row["name"] for row in api.good("GET", "settings/technicians")["data"]]
        assert "Cy Dunn" in names

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("dance", {}),
            ("move", {}),
            ("move", {"appointment": 7, "start": NOON}),
            ("move", {"appointment": 7, "start": "soon"}),
            ("dismiss_booking", {"booking": 7}),
            ("edit_customer", {"customer": 7}),
            ("set_webhook", {"url": "http://x", "secret": "short"}),
            ("set_webhook", {"url": "http://x", "encoding": "morse"}),
        ],
    )
    def test_nonsense(self, api, name, arguments) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            api.act(name, **arguments)


class TestWebhooks:
    """What we are told."""

    @pytest.mark.parametrize(
        ("header", "encoding"),
        [("X-ServiceTitan-Signature", "hex"), ("X-Signature", "base64")],
    )
    def test_signed_as_it_is_set(self, header, encoding) -> None:
        vendor = ServiceTitan()
        settings = {"header": header, "encoding": encoding, "secret": SECRET}
        vendor.act("set_webhook", {"url": "http://x/in", **settings})

        [callback] = vendor.act("add_technician", {"name": "Cy", "email": "c@x.test"})

        digest = hmac.new(SECRET.encode(), callback.body, hashlib.sha256)
        written = {
            "hex": digest.hexdigest(),
            "base64": b64encode(digest.digest()).decode(),
        }
        assert callback.headers[header] == written[encoding]
        told = json.loads(callback.body)
        assert set(told) == {"eventId", "eventType", "data"}
        assert (told["eventType"], told["data"]["name"]) == ("technician.created", "Cy")

    @pytest.mark.parametrize("name", ["servicetitan-hex", "servicetitan-base64"])
    def test_signed_as_the_vectors_are(self, name) -> None:
        vectors = json.loads(VECTORS.read_text())["vectors"]
        [vector] = [each for each in vectors if each["name"] == name]

        signed = signature(
            vector["body"].encode(),
            secret=vector["secret"],
            encoding=name.removeprefix("servicetitan-"),
        )

        assert signed == vector["headers"]["X-ServiceTitan-Signature"]

    def test_what_we_do_comes_back_too(self, api) -> None:
        with listening() as (url, ear):
            api.act("set_webhook", url=url, events=["appointment.rescheduled"])
            visit = visit_of(api)
            path = f"jpm/appointments/{visit['id']}/reschedule"
            api.good("PATCH", path, json={"start": NOON, "end": ONE})
            api.act("move", appointment=visit["id"], start=NINE, end=TEN)
            api.running.world.places["servicetitan"].sender.wait_until_idle()
            api.act("remove_webhook")
            api.act("move", appointment=visit["id"], start=NOON, end=ONE)
            api.running.world.places["servicetitan"].sender.wait_until_idle()

        assert [json.loads(body)["data"]["start"] for body in ear.bodies] == [
            NOON,
            NINE,
        ]

    def test_a_refusal_tells_nobody(self, api) -> None:
        with listening() as (url, ear):
            api.act("set_webhook", url=url)
            api("POST", "crm/customers", json={})
            api.running.world.places["servicetitan"].sender.wait_until_idle()

        assert ear.bodies == []


def test_a_fresh_start(api) -> None:
    api.good("POST", "crm/customers", json=customer())

    api.running.world.clear("servicetitan")

    assert api("GET", "crm/customers").status_code == 401  # its tokens are gone too
    assert api.running.world.of("servicetitan")["things"]["customers"] == 0
