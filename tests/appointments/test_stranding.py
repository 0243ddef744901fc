"""A change of the roster strands nobody (R13): every kind of change, every answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import time, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from appointments.models import Appointment
from appointments.selectors.fitness import misfits
from appointments.services import cancel
from core import services as core
from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound
from core.ids import uuid7
from core.models import Event, Holiday, Location, OpeningHours, Zone, ZoneZip
from core.roster import OnConflict, Stranded, rehearse
from core.services import HolidayForm, HoursForm, publish_waiting
from notifications.models import Notification
from technicians import services
from technicians.models import ShiftException, Technician, TechnicianSkill, TimeOff
from technicians.services import ShiftExceptionForm, SkillGrant, WeeklyShiftForm
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_location,
    make_service,
    make_skill,
    make_technician,
    make_zone,
)

pytestmark = pytest.mark.django_db

REJECT, UNASSIGN = OnConflict.REJECT, OnConflict.UNASSIGN
COMMON: dict[str, Any] = {"actor": SYSTEM, "now": NOW}


@dataclass
class Booked:
    """A visit tomorrow from nine to ten, and all that its plan rests on."""

    visit: Appointment
    technician: Technician
    skill: Any
    zone: Any


@pytest.fixture
def booked(company) -> Booked:
    skill = make_skill()
    company.technician.technician_skills.create(skill=skill)
    company.technician.zones.add(company.zone)
    visit = make_appointment(
        technician=company.technician,
        service=make_service(skills=[skill]),
        property=company.property,
    )
    return Booked(visit, company.technician, skill, company.zone)


Change = Callable[..., object]


def time_off(booked: Booked, starts_at=None, ends_at=None, **given) -> TimeOff:
    return services.add_time_off(
        technician_id=booked.technician.pk,
        starts_at=starts_at or local(TOMORROW, 8),
        ends_at=ends_at or local(TOMORROW, 12),
        **COMMON | given,
    )


def shifts(booked: Booked, *, from_hour: int, **given) -> Technician:
    form = WeeklyShiftForm(
        location_id=booked.technician.location_id,
        weekday=TOMORROW.weekday(),
        starts=time(from_hour),
        ends=time(17),
    )
    return services.set_weekly_shifts(
        technician_id=booked.technician.pk, shifts=[form], **COMMON | given
    )


def exception(booked: Booked, **given) -> ShiftException:
    return services.add_shift_exception(
        technician_id=booked.technician.pk,
        form=ShiftExceptionForm(date=TOMORROW),
        **COMMON | given,
    )


def exception_removed(booked: Booked, **given) -> None:
    """Take back the hours without which nobody works tomorrow."""
    booked.technician.weekly_shifts.filter(weekday=TOMORROW.weekday()).delete()
    row = booked.technician.shift_exceptions.create(
        date=TOMORROW,
        location=booked.technician.location,
        starts=time(8),
        ends=time(12),
    )
    services.remove_shift_exception(
        technician_id=booked.technician.pk, exception_id=row.pk, **COMMON | given
    )


def deactivated(booked: Booked, **given) -> Technician:
    return services.deactivate_technician(
        technician_id=booked.technician.pk, **COMMON | given
    )


def no_skills(booked: Booked, **given) -> Technician:
    return services.set_skills(
        technician_id=booked.technician.pk, grants=[], **COMMON | given
    )


def skill_until_today(booked: Booked, **given) -> Technician:
    return services.set_skills(
        technician_id=booked.technician.pk,
        grants=[SkillGrant(skill=booked.skill, valid_until=TODAY)],
        **COMMON | given,
    )


def certificate_shortened(booked: Booked, **given) -> Technician:
    return services.grant_skill(
        technician_id=booked.technician.pk,
        grant=SkillGrant(skill=booked.skill, valid_until=TODAY),
        **COMMON | given,
    )


def skill_revoked(booked: Booked, **given) -> Technician:
    return services.revoke_skill(
        technician_id=booked.technician.pk, skill=booked.skill, **COMMON | given
    )


def other_zones(booked: Booked, **given) -> Technician:
    elsewhere = make_zone("85006", location=booked.technician.location)
    return services.update_technician(
        technician_id=booked.technician.pk,
        changes={"zones": [elsewhere]},
        **COMMON | given,
    )


def holiday(booked: Booked, *, location_id: UUID | None, **given) -> Holiday:
    form = HolidayForm(date=TOMORROW, name="Picnic", location_id=location_id)
    return core.add_holiday(form=form, **COMMON | given)


def holiday_here(booked: Booked, **given) -> Holiday:
    return holiday(booked, location_id=booked.visit.location_id, **given)


def holiday_everywhere(booked: Booked, **given) -> Holiday:
    return holiday(booked, location_id=None, **given)


def holiday_moved(booked: Booked, **given) -> Holiday:
    """Make another branch's holiday this branch's, and put it on that day."""
    row = Holiday.objects.create(location=make_location(), date=TODAY, name="Picnic")
    form = HolidayForm(
        date=TOMORROW, name="Picnic", location_id=booked.visit.location_id
    )
    return core.change_holiday(holiday_id=row.pk, form=form, **COMMON | given)


def holidays_prefilled(booked: Booked, **given) -> list[Holiday]:
    """Tomorrow is the second of March: a holiday in Texas, and in Texas only."""
    Location.objects.update(region="TX")
    return core.prefill_holidays(
        location_ids=[booked.visit.location_id], years=[2027], **COMMON | given
    )


def hours_from_noon(booked: Booked, **given) -> None:
    hours = HoursForm(weekday=TOMORROW.weekday(), opens=time(12), closes=time(18))
    core.set_opening_hours(
        location_id=booked.visit.location_id, hours=[hours], **COMMON | given
    )


def closed_that_day(booked: Booked, **given) -> None:
    core.set_opening_hours(
        location_id=booked.visit.location_id, hours=[], **COMMON | given
    )


def other_clock(booked: Booked, **given) -> Location:
    """Nine in Phoenix is six in Honolulu, before anybody works."""
    branch = Location.objects.get(pk=booked.visit.location_id)
    branch.time_zone = ZoneInfo("Pacific/Honolulu")
    return core.save_branch(branch=branch, **COMMON | given)


def other_zips(booked: Booked, **given) -> Zone:
    return core.save_zone(zone=booked.zone, postal_codes={"85006"}, **COMMON | given)


CHANGES = [
    pytest.param(change, reason, id=name)
    for name, change, reason in (
        ("time-off", time_off, "time_off"),
        ("no shift that day", partial(shifts, from_hour=12), "off_shift"),
        ("a day off", exception, "off_shift"),
        ("extra hours taken back", exception_removed, "off_shift"),
        ("deactivation", deactivated, "inactive"),
        ("no skills", no_skills, "no_skill"),
        ("a certificate that ends before", skill_until_today, "no_skill"),
        ("a certificate renewed shorter", certificate_shortened, "no_skill"),
        ("a skill revoked", skill_revoked, "no_skill"),
        ("other zones", other_zones, "out_of_zone"),
        ("a holiday of the branch", holiday_here, "holiday"),
        ("a holiday of the company", holiday_everywhere, "holiday"),
        ("a holiday moved", holiday_moved, "holiday"),
        ("public holidays", holidays_prefilled, "holiday"),
        ("opening at noon", hours_from_noon, "closed"),
        ("closed that day", closed_that_day, "closed"),
        ("another clock", other_clock, "closed"),
        ("other ZIPs", other_zips, "out_of_zone"),
    )
]


def roster_of(technician: Technician) -> Iterable[Any]:
    """Return all that the roster knows of a technician, and of the company."""
    fresh = Technician.objects.get(pk=technician.pk)
    return [
        fresh.is_active,
        fresh.version,
        *fresh.weekly_shifts.order_by("pk").values(),
        *fresh.time_offs.values(),
        *fresh.shift_exceptions.values(),
        *fresh.zones.values(),
        *TechnicianSkill.objects.filter(technician=fresh).values(),
        *Location.objects.order_by("pk").values("time_zone"),
        *Holiday.objects.values(),
        *OpeningHours.objects.order_by("pk").values(),
        *ZoneZip.objects.order_by("pk").values(),
    ]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_it_is_refused_with_the_list(booked, change, reason) -> None:
    before = roster_of(booked.technician)

    with pytest.raises(Stranded) as refused, transaction.atomic():
        change(booked)

    (conflict,) = refused.value.extra["conflicts"]
    assert (conflict["id"], conflict["reason"]) == (str(booked.visit.pk), reason)
    assert refused.value.extra["total"] == 1
    assert roster_of(booked.technician) == before
    assert booked.visit.assignments.count() == 1
    assert not Event.objects.exists()


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_a_rehearsal_lists_it_and_stores_nothing(booked, change, reason) -> None:
    before = roster_of(booked.technician)

    found = rehearse(lambda: change(booked))

    (conflict,) = found["conflicts"]
    assert (conflict["id"], conflict["reason"]) == (str(booked.visit.pk), reason)
    assert roster_of(booked.technician) == before
    assert not Event.objects.exists()


@pytest.mark.parametrize(("change", "reason"), CHANGES)
def test_unassigning_moves_the_visit_to_the_attention_lane(
    booked, change, reason
) -> None:
    promise = (booked.visit.window_starts_at, booked.visit.window_ends_at)
    before = roster_of(booked.technician)

    change(booked, on_conflict=UNASSIGN)

    assert roster_of(booked.technician) != before
    (visit,) = Appointment.objects.unassigned()
    assert visit == booked.visit
    assert (visit.window_starts_at, visit.window_ends_at) == promise
    told = Event.objects.get(name="appointment.unassigned")
    assert told.reason == f"The roster has changed: {reason.replace('_', ' ')}"
    assert told.data["previous"]["technicians"] == [str(booked.technician.pk)]


def test_a_visit_in_the_way_is_shown_by_the_clock_of_its_branch(booked) -> None:
    with pytest.raises(Stranded) as refused:
        time_off(booked)

    assert refused.value.extra["conflicts"] == [
        {
            "id": str(booked.visit.pk),
            "reference": booked.visit.reference,
            "starts_at": "2027-03-02T09:00:00-07:00",
            "time_zone": "America/Phoenix",
            "technician": str(booked.technician.pk),
            "reason": "time_off",
        }
    ]


def test_no_customer_is_told(booked) -> None:
    booked.visit.customer.contact_methods.create(kind="email", value="ada@example.com")

    time_off(booked, on_conflict=UNASSIGN)
    publish_waiting(budget=timedelta(minutes=1))

    assert Event.objects.filter(name="appointment.unassigned").exists()
    assert not Event.objects.filter(published_at=None).exists()
    assert not Notification.objects.exists()

    # Of the same customer: a visit that is cancelled is told.
    cancel(appointment_id=booked.visit.pk, reason="Rain", **COMMON)
    publish_waiting(budget=timedelta(minutes=1))
    assert Notification.objects.count() == 1


def test_a_rehearsal_of_what_strands_nobody_stores_nothing(booked) -> None:
    found = rehearse(lambda: time_off(booked, local(TOMORROW, 10), local(TOMORROW, 12)))

    assert found == {"conflicts": [], "total": 0}
    assert not TimeOff.objects.exists()
    assert not Event.objects.exists()


def test_a_rehearsal_refuses_what_the_real_thing_refuses(booked) -> None:
    with pytest.raises(services.EndsBeforeStart):
        rehearse(lambda: time_off(booked, NOW, NOW - HOUR))


@pytest.mark.parametrize(("starts", "ends"), [(10, 12), (8, 9)])
def test_time_off_beside_a_visit_strands_nobody(booked, starts, ends) -> None:
    time_off(booked, local(TOMORROW, starts), local(TOMORROW, ends))

    assert TimeOff.objects.count() == 1


@pytest.mark.parametrize("status", ["en_route", "on_site", "completed", "cancelled"])
def test_what_has_begun_or_ended_is_not_in_the_way(booked, status) -> None:
    Appointment.objects.update(status=status, cancellation_reason="Rain")

    time_off(booked, NOW, NOW + 4 * DAY)

    assert TimeOff.objects.count() == 1


def test_what_should_be_over_is_not_in_the_way(booked) -> None:
    time_off(booked, NOW, NOW + 4 * DAY, now=local(TOMORROW, 10))

    assert TimeOff.objects.count() == 1


def test_what_should_be_on_its_way_is_in_the_way(booked) -> None:
    """He calls in sick at half past nine, and has not left for nine o'clock."""
    with pytest.raises(Stranded):
        time_off(booked, now=local(TOMORROW, 9, 30))


def test_a_visit_that_was_out_of_rule_is_not_this_changes_fault(booked) -> None:
    booked.technician.weekly_shifts.all().delete()

    shifts(booked, from_hour=12)

    assert booked.technician.weekly_shifts.count() == 1


def test_an_old_fault_hides_no_new_one(booked) -> None:
    booked.technician.technician_skills.all().delete()

    with pytest.raises(Stranded) as refused:
        time_off(booked)

    assert [one["reason"] for one in refused.value.extra["conflicts"]] == ["time_off"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_holiday_is_a_day_by_the_branchs_clock(zone) -> None:
    """A day begins 14 hours before UTC's here, and 11 hours after it there."""
    far = ZoneInfo(zone)
    branch = make_location(time_zone=far)
    technician = make_technician(location=branch)
    for hour in (8, 16):
        make_appointment(
            technician=technician, starts_at=local(TOMORROW, hour, zone=far)
        )
    form = HolidayForm(date=TOMORROW, name="Picnic", location_id=branch.pk)

    with pytest.raises(Stranded) as refused:
        core.add_holiday(form=form, **COMMON)
    for day in (TODAY, TOMORROW + DAY):
        core.add_holiday(form=replace(form, date=day), **COMMON)

    assert refused.value.extra["total"] == 2
    assert Holiday.objects.count() == 2


def test_overtime_is_no_new_fault_but_a_shift_less_is(booked) -> None:
    """Staff had planned the visit beyond the end of the shift."""
    day = TOMORROW.weekday()
    booked.technician.weekly_shifts.filter(weekday=day).update(ends=time(9, 30))

    time_off(booked, local(TOMORROW, 14), local(TOMORROW, 15))
    with pytest.raises(Stranded) as refused:
        exception(booked)

    assert [one["reason"] for one in refused.value.extra["conflicts"]] == ["off_shift"]


def test_what_the_service_asks_for_today_moves_no_booked_visit(booked) -> None:
    """The work of a visit is as long as it was planned."""
    booked.visit.service.duration_minutes = 600
    booked.visit.service.buffer_before_minutes = 90
    booked.visit.service.save()

    time_off(booked, local(TOMORROW, 8), local(TOMORROW, 9))
    time_off(booked, local(TOMORROW, 10), local(TOMORROW, 12))

    assert TimeOff.objects.count() == 2


def test_a_change_that_helps_is_let_through(booked) -> None:
    booked.technician.technician_skills.all().delete()

    services.grant_skill(
        technician_id=booked.technician.pk,
        grant=SkillGrant(skill=booked.skill),
        **COMMON,
    )

    assert booked.technician.technician_skills.count() == 1


def test_of_a_crew_one_suffices_and_all_are_taken_off(booked) -> None:
    mate = make_technician(location=booked.technician.location, skills=[booked.skill])
    make_assignment(appointment=booked.visit, technician=mate, is_lead=False)

    services.add_time_off(
        technician_id=mate.pk,
        starts_at=local(TOMORROW, 9),
        ends_at=local(TOMORROW, 10),
        on_conflict=UNASSIGN,
        **COMMON,
    )

    assert not booked.visit.assignments.exists()
    told = Event.objects.get(name="appointment.unassigned")
    assert len(told.data["previous"]["technicians"]) == 2


def test_each_day_of_a_split_visit_counts(company) -> None:
    long = make_service(duration_minutes=12 * 60, splits_over_days=True)
    second = TOMORROW + timedelta(days=1)
    visit = make_appointment(
        location=company.branch,
        service=long,
        property=company.property,
        starts_at=local(TOMORROW, 8),
        ends_at=local(second, 11),
    )
    for part, (day, starts, ends) in enumerate([(TOMORROW, 8, 17), (second, 8, 11)]):
        make_assignment(
            appointment=visit,
            technician=company.technician,
            part=part,
            is_lead=True,
            occupied_from=local(day, starts),
            occupied_until=local(day, ends),
        )
    booked = Booked(visit, company.technician, None, None)

    time_off(booked, local(TOMORROW, 17), local(second, 8))  # the night between
    with pytest.raises(Stranded):
        time_off(booked, local(second, 9), local(second, 10))

    assert TimeOff.objects.count() == 1


def test_visits_out_of_sight_are_counted_but_not_shown(booked) -> None:
    """The technician helps out at a branch that the dispatcher does not see."""
    home = make_location()
    Technician.objects.filter(pk=booked.technician.pk).update(location=home)
    dispatcher = Actor(
        role=Role.DISPATCHER, label="Dee", location_ids=frozenset({home.pk})
    )

    with pytest.raises(Stranded) as refused:
        time_off(booked, actor=dispatcher)
    assert refused.value.extra == {"conflicts": [], "total": 1}

    time_off(booked, actor=dispatcher, on_conflict=UNASSIGN)
    assert not booked.visit.assignments.exists()
    assert Event.objects.get(name="appointment.unassigned").actor_label == "Dee"


def test_a_long_list_is_cut_and_its_length_told(booked, monkeypatch) -> None:
    monkeypatch.setattr("appointments.services.stranding.MOST_LISTED", 2)
    for hour in (10, 11, 12):
        make_appointment(
            technician=booked.technician,
            service=booked.visit.service,
            property=booked.visit.property,
            starts_at=local(TOMORROW, hour),
        )

    with pytest.raises(Stranded) as refused:
        time_off(booked, ends_at=local(TOMORROW, 17))

    starts = [one["starts_at"][11:13] for one in refused.value.extra["conflicts"]]
    assert (starts, refused.value.extra["total"]) == (["09", "10"], 4)


def test_nobody_elses_technician_is_looked_after(booked) -> None:
    other = Booked(booked.visit, make_technician(), None, None)

    time_off(other)

    assert TimeOff.objects.count() == 1


def test_a_technician_who_is_not_there_is_not_found(booked) -> None:
    with pytest.raises(NotFound):
        services.deactivate_technician(technician_id=uuid7(), **COMMON)


def queries_for(visits: list[Appointment]) -> int:
    misfits(visits=loaded(visits), now=NOW)  # the roster is read once a version
    rows = loaded(visits)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        misfits(visits=rows, now=NOW)
    return len(queries)


def loaded(visits: list[Appointment]) -> list[Appointment]:
    found = Appointment.objects.filter(pk__in=[visit.pk for visit in visits])
    return list(
        found.select_related("location", "service", "property").prefetch_related(
            "assignments"
        )
    )


def test_many_visits_cost_the_same_queries(booked) -> None:
    more = [
        make_appointment(
            technician=make_technician(location=make_location()),
            starts_at=local(TOMORROW, 9) + n * DAY,
        )
        for n in range(6)
    ]

    assert queries_for([booked.visit, *more]) == queries_for([booked.visit]) <= 3
