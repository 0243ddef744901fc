"""Soft rules that staff set aside, with a reason (R9); and all that is not soft."""

from datetime import timedelta

import pytest
import time_machine

from accounts.rules.policy import OVERRIDES
from appointments import services
from appointments.models import Appointment, Cap
from appointments.rules.slots import Override, Reason
from appointments.services import BookingRequest, SlotUnavailable
from appointments.services.overrides import ReasonRequired
from core.actors import ANONYMOUS, SYSTEM, Actor, Role
from core.errors import Forbidden
from core.models import Event, Holiday
from tests.factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_skill,
    make_technician,
    make_time_off,
    make_user,
    make_zone,
)

DISPATCHER = Actor(role=Role.DISPATCHER, label="Dana", location_ids=None)


def book(
    company, *override: str, at=None, actor=SYSTEM, now=NOW, **given
) -> Appointment:
    request = BookingRequest(
        service=company.service,
        starts_at=at or local(TOMORROW, 8),
        property=company.property,
        override=frozenset(map(Override, override)),
        reason=given.pop("reason", "She has waited long enough"),
        **given,
    )
    return services.book(request=request, actor=actor, now=now)


def fill_cap(company) -> None:
    Cap.objects.create(location=company.branch, most=0)


def ask_for_a_skill(company) -> None:
    company.service.skills.add(make_skill())


def keep_to_another_zone(company) -> None:
    company.technician.zones.add(make_zone("85005", location=company.branch))


def nothing(company) -> None:
    """Leave the company as it is."""


# Windows begin at 8, 10, 12 ...; what to do to the company, the start, and the refusal.
SOFT = {
    "notice": (nothing, local(TODAY, 8), Reason.NOTICE),
    "horizon": (nothing, local(TODAY + 61 * DAY, 8), Reason.HORIZON),
    "window": (nothing, local(TOMORROW, 9, 7), Reason.OFF_GRID),
    "zone": (keep_to_another_zone, local(TOMORROW, 8), Reason.OUT_OF_ZONE),
    "cap": (fill_cap, local(TOMORROW, 8), Reason.CAP),
    "skill": (ask_for_a_skill, local(TOMORROW, 8), Reason.NO_SKILL),
}


@pytest.mark.parametrize("rule", SOFT)
def test_a_soft_rule_refuses_until_it_is_set_aside(company, rule) -> None:
    prepare, start, reason = SOFT[rule]
    prepare(company)
    # At 9:30 an hour's notice leaves nothing of the window that ends at 10.
    now = local(TODAY, 9, 30) if rule == "notice" else NOW

    with pytest.raises(SlotUnavailable) as refused:
        book(company, at=start, now=now)
    visit = book(company, rule, at=start, now=now)

    assert refused.value.extra["reason"] == reason
    assert visit.window_starts_at == start
    assert visit.assignments.get().technician == company.technician


def test_overtime_lets_work_run_out_of_the_shift(company) -> None:
    company.service.booking_mode = "exact"
    company.service.save()
    at = local(TOMORROW, 16, 30)

    with pytest.raises(SlotUnavailable) as refused:
        book(company, at=at)
    visit = book(company, "overtime", at=at)

    assert refused.value.extra["reason"] == Reason.OFF_SHIFT
    assert visit.ends_at == local(TOMORROW, 17, 30)


def test_overtime_makes_no_shift_where_there_is_none(company) -> None:
    company.technician.weekly_shifts.filter(weekday=TOMORROW.weekday()).delete()

    with pytest.raises(SlotUnavailable) as refused:
        book(company, "overtime")

    assert refused.value.extra["reason"] == Reason.OFF_SHIFT


def test_an_overridden_window_promises_the_window_from_that_minute(company) -> None:
    visit = book(company, "window", at=local(TOMORROW, 9, 7))

    assert visit.window_ends_at == local(TOMORROW, 11, 7)
    assert visit.starts_at == local(TOMORROW, 9, 7)


def test_an_overridden_exact_start_promises_that_minute(company) -> None:
    company.service.booking_mode = "exact"
    company.service.save()

    visit = book(company, "window", at=local(TOMORROW, 9, 7))

    assert visit.window_ends_at - visit.window_starts_at == MINUTE


def test_outside_of_opening_hours_somebody_must_still_work(company) -> None:
    company.branch.opening_hours.update(opens="10:00")

    visit = book(company, "window", at=local(TOMORROW, 8))
    with pytest.raises(SlotUnavailable) as refused:
        book(company, "window", at=local(TOMORROW, 6))

    assert visit.starts_at == local(TOMORROW, 8)
    assert refused.value.extra["reason"] == Reason.OFF_SHIFT


def test_visits_begin_on_whole_minutes_whatever_is_overridden(company) -> None:
    with pytest.raises(SlotUnavailable) as refused:
        book(company, "window", at=local(TOMORROW, 9) + timedelta(seconds=30))

    assert refused.value.extra["reason"] == Reason.OFF_GRID


# --- What nobody overrides --------------------------------------------------------


def take_the_morning(company) -> None:
    make_appointment(
        technician=company.technician,
        starts_at=local(TOMORROW, 8),
        ends_at=local(TOMORROW, 12),
    )


def be_away(company) -> None:
    make_time_off(
        technician=company.technician,
        starts_at=local(TOMORROW, 0),
        ends_at=local(TOMORROW + DAY, 0),
    )


def keep_a_holiday(company) -> None:
    Holiday.objects.create(location=company.branch, date=TOMORROW, name="Day")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (take_the_morning, Reason.BUSY),
        (be_away, Reason.TIME_OFF),
        (keep_a_holiday, Reason.HOLIDAY),
    ],
)
def test_all_overrides_together_leave_the_hard_rules_standing(
    company, prepare, reason
) -> None:
    prepare(company)

    with pytest.raises(SlotUnavailable) as refused:
        book(company, *Override)

    assert refused.value.extra["reason"] == reason


@pytest.mark.parametrize("at", [local(TODAY, 7, 59), local(TODAY, 7)])
def test_the_past_cannot_be_booked(company, at) -> None:
    make_technician(location=company.branch, shift=(0, 23))
    company.service.booking_mode = "exact"
    company.service.save()

    with pytest.raises(SlotUnavailable) as refused:
        book(company, "notice", "window", at=at)

    assert refused.value.extra["reason"] == Reason.NOTICE


# --- Moving and assigning ---------------------------------------------------------


def test_a_visit_is_moved_with_an_override(company) -> None:
    visit = book(company)

    moved = services.reschedule(
        appointment_id=visit.pk,
        starts_at=local(TOMORROW, 13, 20),
        override=frozenset({Override.WINDOW}),
        reason="On the way home",
        actor=DISPATCHER,
        now=NOW,
    )

    event = Event.objects.get(name="appointment.rescheduled")
    assert moved.starts_at == local(TOMORROW, 13, 20)
    assert (event.data["override"], event.reason) == (["window"], "On the way home")


def test_a_technician_without_the_skill_is_assigned_by_the_admin_alone(company) -> None:
    visit = book(company)
    other = make_technician(location=company.branch)
    ask_for_a_skill(company)

    def give(actor: Actor, *override: Override) -> Appointment:
        return services.assign(
            appointment_id=visit.pk,
            technician_id=other.pk,
            override=frozenset(override),
            reason="He has done it for years",
            actor=actor,
            now=NOW,
        )

    with pytest.raises(SlotUnavailable):
        give(SYSTEM)
    with pytest.raises(Forbidden):
        give(DISPATCHER, Override.SKILL)
    assert give(SYSTEM, Override.SKILL).assignments.get().technician == other
    assert Event.objects.get(name="appointment.assigned").data["override"] == ["skill"]


# --- Who may, and what is remembered ----------------------------------------------


def test_each_soft_rule_says_who_may_set_it_aside() -> None:
    assert set(OVERRIDES) == {rule.value for rule in Override}


@pytest.mark.parametrize("rule", Override)
def test_the_office_overrides_all_but_skill(company, rule) -> None:
    if rule is Override.SKILL:
        with pytest.raises(Forbidden):
            book(company, rule, actor=DISPATCHER)
    else:
        assert book(company, rule, actor=DISPATCHER).assignments.exists()


@pytest.mark.parametrize(
    "actor",
    [
        ANONYMOUS,
        Actor(role=Role.INTEGRATION, label="CRM", location_ids=None),
        Actor(role=Role.VIEWER, label="Vic", location_ids=None),
        Actor(role=Role.TECHNICIAN, label="Tom", location_ids=None),
    ],
    ids=lambda actor: actor.role,
)
@pytest.mark.parametrize("rule", Override)
def test_nobody_else_overrides_anything(company, actor, rule) -> None:
    with pytest.raises(Forbidden) as refused:
        book(company, rule, actor=actor)

    assert refused.value.extra["override"] == [rule]
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("reason", ["", "   "])
def test_an_override_needs_a_reason(company, reason) -> None:
    with pytest.raises(ReasonRequired):
        book(company, "notice", reason=reason)


def test_the_event_keeps_what_was_set_aside_and_why(company) -> None:
    book(company, "window", "cap", reason="The mayor", actor=DISPATCHER)

    event = Event.objects.get(name="appointment.booked")
    assert event.data["override"] == ["cap", "window"]
    assert (event.reason, event.actor_label) == ("The mayor", "Dana")


def test_a_booking_without_overrides_says_nothing_of_them(company) -> None:
    book(company, reason="")

    assert "override" not in Event.objects.get(name="appointment.booked").data


# --- Over HTTP --------------------------------------------------------------------


@pytest.fixture
def dispatcher(company, api_as):
    with time_machine.travel(NOW, tick=True):
        yield api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


def post(client, company, **given):
    body = {
        "service": company.service.code,
        "property": str(company.property.pk),
        "starts_at": local(TOMORROW, 9, 7).isoformat(),
        "override": ["window"],
        "reason": "On the way",
    }
    return client.post("/api/v1/appointments", body | given, format="json")


def test_the_api_takes_overrides(company, dispatcher) -> None:
    booked = post(dispatcher, company)
    moved = dispatcher.post(
        f"/api/v1/appointments/{booked.json()['id']}/reschedule",
        {
            "starts_at": local(TOMORROW, 11, 11).isoformat(),
            "override": ["window"],
            "reason": "Later",
        },
        format="json",
    )
    history = dispatcher.get(f"/api/v1/appointments/{booked.json()['id']}/history")

    assert (booked.status_code, moved.status_code) == (201, 200)
    steps = [(step["data"]["override"], step["reason"]) for step in history.json()]
    assert steps == [(["window"], "On the way"), (["window"], "Later")]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"override": ["busy"]}, 422, "unknown_override"),
        ({"override": ["travel"]}, 422, "unknown_override"),
        ({"override": ["window", ""]}, 422, "unknown_override"),
        ({"override": "window"}, 400, "invalid"),
        ({"override": [{"window": True}]}, 400, "invalid"),
        ({"override": [7]}, 400, "invalid"),
        ({"override": ["skill"]}, 403, "forbidden"),
        ({"reason": ""}, 422, "reason_required"),
        ({"reason": " \t "}, 422, "reason_required"),
    ],
)
def test_the_api_refuses_what_is_no_override(
    company, dispatcher, given, status, code
) -> None:
    answer = post(dispatcher, company, **given)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Appointment.objects.exists()


def test_a_visitor_overrides_nothing(company, api) -> None:
    with time_machine.travel(NOW, tick=True):
        answer = post(api, company, override=["notice"])

    assert answer.status_code == 403


def test_a_double_booking_is_a_conflict_with_every_override(company, api_as) -> None:
    make_appointment(
        technician=company.technician,
        starts_at=local(TOMORROW, 8),
        ends_at=local(TOMORROW, 8) + 9 * HOUR,
    )
    with time_machine.travel(NOW, tick=True):
        admin = api_as(make_user(Role.ADMIN))
        answer = post(admin, company, override=[rule.value for rule in Override])

    assert (answer.status_code, answer.json()["reason"]) == (409, "busy")
