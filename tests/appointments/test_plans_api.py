"""Maintenance plans over HTTP, and the command that books their visits."""

from io import StringIO
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command

from appointments.models import Appointment, MaintenancePlan
from appointments.services import plans
from core.actors import SYSTEM, Role
from tests.appointments.planned import away, events_of, occurrence_of, plan_of
from tests.factories import (
    DAY,
    NOW,
    TODAY,
    make_customer,
    make_plan,
    make_property,
    make_season,
    make_user,
)

URL = "/api/v1/maintenance-plans"
SPRING = {
    "key": "spring",
    "first": "03-01",
    "last": "04-30",
    "weekday": 1,
    "starts": "08:00",
}


@pytest.fixture(autouse=True)
def _on_monday():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def dispatcher(company, api_as):
    return api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


@pytest.fixture
def plan(company) -> MaintenancePlan:
    return plan_of(company)


@pytest.fixture
def conflict(company, plan):
    """Return an occurrence that no time could be found for."""
    away(company, TODAY, TODAY + 70 * DAY)
    plans.generate(now=NOW)
    company.technician.time_offs.all().delete()
    return occurrence_of(plan)


def agreement(company, **given) -> dict[str, object]:
    fields = {
        "property": str(company.property.pk),
        "service": company.service.code,
        "seasons": [SPRING],
    }
    return fields | given


def step(client, occurrence, name, body=None, **headers):
    path = f"{URL}/{occurrence.plan_id}/occurrences/{occurrence.pk}/{name}"
    return client.post(path, body or {}, format="json", headers=headers)


def test_agrees_on_a_plan(dispatcher, company, hints) -> None:
    answer = dispatcher.post(
        URL,
        agreement(company, technician=str(company.technician.pk), notes="Two units"),
        format="json",
    )

    assert answer.status_code == 201
    assert answer["ETag"] == '"1"'
    body = answer.json()
    assert body["state"] == "active"
    assert body["location"]["id"] == str(company.branch.pk)
    assert body["technician"]["id"] == str(company.technician.pk)
    assert (body["tolerance"], body["valid_from"]) == ("any", "2027-03-01")
    assert body["seasons"] == [SPRING | {"starts": "08:00:00"}]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"property": str(uuid4())}, "/property"),
        ({"service": "no-such"}, "/service"),
        ({"location": str(uuid4())}, "/location"),
        ({"technician": str(uuid4())}, "/technician"),
        ({"seasons": []}, "/seasons"),
        ({"seasons": [SPRING | {"first": "02-30"}]}, "/seasons/0/first"),
        ({"seasons": [SPRING | {"last": "4-30"}]}, "/seasons/0/last"),
        ({"seasons": [SPRING | {"starts": "08:00:30"}]}, "/seasons/0/starts"),
        ({"tolerance": "some"}, "/tolerance"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_names_the_field_that_is_wrong(dispatcher, company, given, pointer) -> None:
    answer = dispatcher.post(URL, agreement(company, **given), format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"seasons": [SPRING, SPRING | {"key": "late"}]}, "bad_seasons"),
        (
            {"valid_from": "2027-03-02", "valid_until": "2027-03-01"},
            "ends_before_start",
        ),
    ],
)
def test_refuses_what_cannot_be_agreed_on(dispatcher, company, given, code) -> None:
    answer = dispatcher.post(URL, agreement(company, **given), format="json")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_address_that_nobody_serves_has_no_plan(dispatcher, company) -> None:
    far = make_property(postal_code="10001")

    answer = dispatcher.post(
        URL, agreement(company, property=str(far.pk)), format="json"
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_service_area")


def test_lists_the_plans_of_one_s_branches(dispatcher, plan) -> None:
    make_plan()

    answer = dispatcher.get(URL)

    assert [each["id"] for each in answer.json()["results"]] == [str(plan.pk)]


def test_a_list_costs_the_same_however_long(
    dispatcher, company, django_assert_num_queries
) -> None:
    for _ in range(3):
        plan_of(company, make_season(), make_season("fall", (9, 1), (10, 1)))

    # The user with her branches, the plans, and their seasons.
    with django_assert_num_queries(3):
        answer = dispatcher.get(URL)

    assert len(answer.json()["results"]) == 3


def test_narrows_to_what_waits_for_somebody(dispatcher, company, conflict) -> None:
    fine = plan_of(company, property=make_property())

    waiting = dispatcher.get(URL, {"attention": "true"}).json()["results"]
    others = dispatcher.get(URL, {"attention": "false"}).json()["results"]

    assert [each["id"] for each in waiting] == [str(conflict.plan_id)]
    assert [each["id"] for each in others] == [str(fine.pk)]


def test_narrows_to_a_customer(dispatcher, company, plan) -> None:
    other = plan_of(company, property=make_property(customer=make_customer()))

    found = dispatcher.get(URL, {"customer": str(other.customer_id)})

    assert [each["id"] for each in found.json()["results"]] == [str(other.pk)]


def test_changes_what_was_agreed_on(dispatcher, company, plan) -> None:
    changes = {
        "seasons": [SPRING | {"weekday": None, "starts": "10:00"}],
        "technician": str(company.technician.pk),
        "tolerance": "same_time",
        "valid_until": "2029-12-31",
        "notes": "Gate 7",
    }

    answer = dispatcher.patch(
        f"{URL}/{plan.pk}", changes, format="json", headers={"if-match": '"1"'}
    )

    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    body = answer.json()
    assert body["seasons"][0]["weekday"] is None
    assert body["seasons"][0]["starts"] == "10:00:00"
    assert body["technician"]["id"] == str(company.technician.pk)
    assert (body["valid_until"], body["notes"]) == ("2029-12-31", "Gate 7")
    assert events_of(plan) == ["plan.updated"]


def test_who_read_an_old_version_changes_nothing(dispatcher, plan) -> None:
    plans.pause(plan_id=plan.pk, actor=SYSTEM, now=NOW)

    answer = dispatcher.patch(
        f"{URL}/{plan.pk}", {"notes": "x"}, format="json", headers={"if-match": '"1"'}
    )

    assert answer.status_code == 412
    assert answer.json()["current"]["state"] == "paused"


def test_pauses_resumes_and_ends(dispatcher, plan) -> None:
    states = [
        dispatcher.post(f"{URL}/{plan.pk}/{verb}", {"reason": "Away"}, format="json")
        for verb in ("pause", "resume", "end", "resume")
    ]

    assert [each.status_code for each in states] == [200, 200, 200, 409]
    assert [each.json().get("state") for each in states[:3]] == [
        "paused",
        "active",
        "ended",
    ]
    assert states[3].json()["code"] == "invalid_transition"
    assert events_of(plan) == ["plan.paused", "plan.resumed", "plan.ended"]


def test_shows_what_became_of_each_period(dispatcher, plan) -> None:
    plans.generate(now=NOW)

    answer = dispatcher.get(f"{URL}/{plan.pk}/occurrences")

    (found,) = answer.json()["results"]
    assert (found["period"], found["state"]) == ("2027-spring", "booked")
    assert (found["first_day"], found["last_day"]) == ("2027-03-01", "2027-04-30")
    assert found["tried_at"] == "2027-03-01T08:00:00-07:00"
    visit = found["appointment"]
    assert visit["window_starts_at"] == "2027-03-02T08:00:00-07:00"


def test_a_conflict_says_why(dispatcher, conflict) -> None:
    answer = dispatcher.get(
        f"{URL}/{conflict.plan_id}/occurrences", {"state": "conflict"}
    )

    (found,) = answer.json()["results"]
    assert (found["reason"], found["appointment"]) == ("time_off", None)


def test_books_by_hand(dispatcher, conflict) -> None:
    answer = step(dispatcher, conflict, "book", {"starts_at": "2027-03-04T10:00:00"})

    assert answer.status_code == 200
    assert answer.json()["state"] == "booked"
    visit = Appointment.objects.get(pk=answer.json()["appointment"]["id"])
    assert visit.property == conflict.plan.property


def test_books_by_hand_over_a_soft_rule_with_a_reason(dispatcher, conflict) -> None:
    """Windows begin at eight and at ten; she asked for nine."""
    at_nine = {"starts_at": "2027-03-04T09:00:00", "override": ["window"]}

    mute = step(dispatcher, conflict, "book", at_nine)
    said = step(dispatcher, conflict, "book", at_nine | {"reason": "She asked"})

    assert (mute.status_code, mute.json()["code"]) == (422, "reason_required")
    assert said.status_code == 200


def test_a_time_that_is_not_offered_comes_with_alternatives(
    dispatcher, conflict
) -> None:
    answer = step(dispatcher, conflict, "book", {"starts_at": "2027-03-04T09:00:00"})

    assert (answer.status_code, answer.json()["reason"]) == (409, "off_grid")
    assert answer.json()["alternatives"]


def test_skips_and_tries_again(dispatcher, conflict) -> None:
    skipped = step(dispatcher, conflict, "skip", {"reason": "Sold the house"})
    stale = step(dispatcher, conflict, "retry", **{"if-match": '"1"'})
    tried = step(dispatcher, conflict, "retry", **{"if-match": skipped["ETag"]})

    assert (skipped.json()["state"], skipped.json()["note"]) == (
        "skipped",
        "Sold the house",
    )
    assert stale.status_code == 412
    assert stale.json()["current"]["period"] == "2027-spring"
    assert tried.json()["state"] == "booked"


def test_the_same_key_books_once(dispatcher, conflict) -> None:
    body = {"starts_at": "2027-03-04T10:00:00"}

    answers = [
        step(dispatcher, conflict, "book", body, **{"idempotency-key": "k-1"})
        for _ in range(2)
    ]

    assert [each.status_code for each in answers] == [200, 200]
    assert Appointment.objects.count() == 1


def test_an_occurrence_is_found_below_its_own_plan_only(
    dispatcher, company, conflict
) -> None:
    other = plan_of(company, property=make_property())

    answer = dispatcher.post(f"{URL}/{other.pk}/occurrences/{conflict.pk}/retry")

    assert answer.status_code == 404


# --- The command ------------------------------------------------------------------


def run(*args: str, out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command("generate_plan_visits", *args, stdout=out)
    return out.getvalue()


def test_the_command_books_what_is_due(plan) -> None:
    said = run()

    assert "1 period opened" in said
    assert "1 booked" in said
    assert occurrence_of(plan).state == "booked"


def test_the_command_says_that_there_is_nothing_to_do(plan) -> None:
    run()

    assert "Nothing waits." in run()


def test_the_command_tells_of_conflicts_by_its_exit_code(company, plan) -> None:
    away(company, TODAY, TODAY + 70 * DAY)

    with pytest.raises(SystemExit) as ended:
        run()

    assert ended.value.code == 1
    assert occurrence_of(plan).state == "conflict"


def test_a_dry_run_says_what_would_be_booked_and_changes_nothing(company, plan) -> None:
    said = run("--dry-run")

    assert f"{plan.reference} 2027-spring: Tue, Mar 2, 8:00" in said
    assert not plan.occurrences.exists()
    assert not Appointment.objects.exists()


def test_a_dry_run_names_conflicts(company, conflict) -> None:
    away(company, TODAY, TODAY + 70 * DAY)

    out = StringIO()

    with pytest.raises(SystemExit):
        run("--dry-run", out=out)

    assert "2027-spring: conflict, time_off" in out.getvalue()


def test_the_command_goes_no_further_than_until(plan) -> None:
    assert "Nothing waits." in run("--until", "2027-02-28")


def test_the_command_wants_a_date() -> None:
    with pytest.raises(CommandError, match="2027-02-30"):
        run("--until", "2027-02-30")
