"""Capacity as the trade has it, through the services: crews, parts, ways, caps."""

from datetime import date, time, timedelta
from uuid import UUID

import pytest
from django.test import override_settings

from appointments import services
from appointments.models import Appointment, Cap, TechnicianPreference
from appointments.rules.slots import Reason
from appointments.selectors import capacity
from appointments.services import BookingRequest, SlotUnavailable
from core.actors import SYSTEM
from core.models import Event
from core.travel import TravelUnavailable
from technicians.models import ShiftException
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TODAY,
    TOMORROW,
    local,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_user,
    make_zone,
)

NEXT_DAY = TOMORROW + DAY


def book(company, **given) -> Appointment:
    fields = {
        "service": company.service,
        "starts_at": local(TOMORROW, 8),
        "property": company.property,
    }
    return services.book(
        request=BookingRequest(**fields | given), actor=SYSTEM, now=NOW
    )


def refusal(company, **given) -> str:
    with pytest.raises(SlotUnavailable) as refused:
        book(company, **given)
    return str(refused.value.extra["reason"])


def taken(visit: Appointment) -> list[tuple]:
    rows = visit.assignments.order_by("occupied_from", "technician_id")
    return list(rows.values_list("technician_id", "part", "occupied_from"))


# --- Crews ------------------------------------------------------------------------


def test_a_crew_comes_together_with_one_who_leads(company) -> None:
    second = make_technician(location=company.branch)
    pair = make_service(crew_size=2)

    visit = book(company, service=pair)

    crew = visit.assignments.values_list("technician_id", "is_lead")
    assert {who for who, _ in crew} == {company.technician.pk, second.pk}
    assert sorted(leads for _, leads in crew) == [False, True]
    (event,) = Event.objects.filter(aggregate_id=visit.pk)
    assert len(event.data["technicians"]) == 2


def test_a_crew_is_all_or_nothing(company) -> None:
    pair = make_service(crew_size=2)

    assert refusal(company, service=pair) == Reason.BUSY
    assert not Appointment.objects.exists()


def test_whoever_is_asked_for_leads_the_crew(company) -> None:
    for _ in range(4):
        make_technician(location=company.branch)
    chosen = make_technician(location=company.branch)

    visit = book(company, service=make_service(crew_size=3), technician_id=chosen.pk)

    assert visit.assignments.get(is_lead=True).technician == chosen
    assert visit.assignments.count() == 3


def test_a_moved_crew_keeps_its_people(company) -> None:
    make_technician(location=company.branch)
    pair = make_service(crew_size=2)
    visit = book(company, service=pair)
    before = {who for who, _, _ in taken(visit)}
    for _ in range(3):
        make_technician(location=company.branch)

    services.reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 12), actor=SYSTEM, now=NOW
    )

    assert {who for who, _, _ in taken(visit)} == before


# --- Parts ------------------------------------------------------------------------


@pytest.fixture
def two_days(company):
    """A job of twelve hours; the shift has nine."""
    return make_service(
        duration_minutes=12 * 60, splits_over_days=True, booking_mode="exact"
    )


def test_long_work_takes_the_next_morning_too(company, two_days) -> None:
    visit = book(company, service=two_days, starts_at=local(TOMORROW, 10))

    # 10:00 to 17:00 are seven hours; five are left from 08:00 on the next day.
    assert [(part, start) for _, part, start in taken(visit)] == [
        (0, local(TOMORROW, 10)),
        (1, local(NEXT_DAY, 8)),
    ]
    assert visit.ends_at == local(NEXT_DAY, 13)
    assert refusal(company, starts_at=local(NEXT_DAY, 10)) == Reason.BUSY
    evening = book(company, starts_at=local(NEXT_DAY, 12), property=make_property())
    assert evening.starts_at == local(NEXT_DAY, 13)


def test_calling_long_work_off_frees_all_its_days(company, two_days) -> None:
    visit = book(company, service=two_days, starts_at=local(TOMORROW, 10))

    services.cancel(appointment_id=visit.pk, reason="rain", actor=SYSTEM, now=NOW)

    assert book(
        company, starts_at=local(NEXT_DAY, 8), property=make_property()
    ).reference


def test_long_work_moves_in_place_over_its_own_days(company, two_days) -> None:
    visit = book(company, service=two_days, starts_at=local(TOMORROW, 10))

    services.reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 12), actor=SYSTEM, now=NOW
    )

    assert [(part, start) for _, part, start in taken(visit)] == [
        (0, local(TOMORROW, 12)),
        (1, local(NEXT_DAY, 8)),
    ]


def test_a_day_off_between_lets_the_work_go_on_the_day_after(company, two_days) -> None:
    ShiftException.objects.create(technician=company.technician, date=NEXT_DAY)

    visit = book(company, service=two_days, starts_at=local(TOMORROW, 10))

    assert [start for _, _, start in taken(visit)] == [
        local(TOMORROW, 10),
        local(NEXT_DAY + DAY, 8),
    ]


# --- Ways ---------------------------------------------------------------------------

# 0.2 degrees of latitude: 22.2 km as the crow flies, 30.0 km by road, at
# 22 + 58 * 30.0 / 55.0 = 53.7 km/h: 33.6 minutes, and 2 to park: 36.
NEAR, FAR = (33.45, -112.07), (33.65, -112.07)


def place(at: tuple[float, float]):
    return make_property(latitude=at[0], longitude=at[1])


def test_the_way_between_two_visits_is_kept_free(company) -> None:
    exact = make_service(booking_mode="exact")
    book(company, service=exact, starts_at=local(TOMORROW, 8), property=place(NEAR))

    def asked(minute: int, at: tuple[float, float]) -> str:
        return refusal(
            company,
            service=exact,
            starts_at=local(TOMORROW, 9, minute),
            property=place(at),
        )

    assert asked(30, FAR) == Reason.TRAVEL
    there = book(
        company, service=exact, starts_at=local(TOMORROW, 9, 45), property=place(FAR)
    )
    assert there.starts_at == local(TOMORROW, 9, 45)


def test_next_door_needs_no_way(company) -> None:
    exact = make_service(booking_mode="exact")
    book(company, service=exact, starts_at=local(TOMORROW, 8), property=place(NEAR))

    assert book(
        company, service=exact, starts_at=local(TOMORROW, 9), property=place(NEAR)
    ).reference


def test_the_nearest_technician_is_sent(company) -> None:
    exact = make_service(booking_mode="exact")
    near = company.technician
    far = make_technician(location=company.branch)
    for who, where in ((near, NEAR), (far, FAR)):
        book(
            company,
            service=exact,
            starts_at=local(TOMORROW, 8),
            property=place(where),
            technician_id=who.pk,
        )

    to_far = book(
        company, service=exact, starts_at=local(TOMORROW, 12), property=place(FAR)
    )
    to_near = book(
        company, service=exact, starts_at=local(TOMORROW, 12), property=place(NEAR)
    )

    assert to_far.assignments.get().technician == far
    assert to_near.assignments.get().technician == near


class Broken:
    """A provider of travel times that is away."""

    def minutes(self, origin, destination) -> int:
        raise TravelUnavailable("away")


@override_settings(TRAVEL_TIME_PROVIDER="tests.appointments.test_capacity.Broken")
def test_an_answer_says_when_the_model_stood_in_for_the_provider(
    company, api, time_machine
) -> None:
    time_machine.move_to(NOW)
    book(company, property=place(NEAR))

    answer = api.get(
        "/api/v1/availability",
        {
            "service": company.service.code,
            "postal_code": "85004",
            "from": TOMORROW.isoformat(),
        },
    )

    assert answer.status_code == 200
    assert answer.json()["degraded"] is True
    assert answer.json()["slots"]


# --- Caps ---------------------------------------------------------------------------


def test_a_cap_bounds_a_day_and_a_cancelled_visit_does_not_count(company) -> None:
    make_technician(location=company.branch)
    Cap.objects.create(location=company.branch, service=company.service, most=2)
    first = book(company)
    book(company, starts_at=local(TOMORROW, 10), property=make_property())

    assert refusal(company, starts_at=local(TOMORROW, 14)) == Reason.CAP
    assert book(
        company, service=make_service(), starts_at=local(TOMORROW, 14)
    ).reference
    assert book(
        company, starts_at=local(NEXT_DAY, 8), property=make_property()
    ).reference

    services.cancel(appointment_id=first.pk, reason="sold", actor=SYSTEM, now=NOW)
    assert book(
        company, starts_at=local(TOMORROW, 12), property=make_property()
    ).reference


def test_a_cap_on_a_zone_or_weekday_bounds_nothing_else(company) -> None:
    other = make_zone("85006", location=company.branch)
    Cap.objects.create(location=company.branch, zone=other, most=0)
    Cap.objects.create(
        location=company.branch, weekday=(TOMORROW.weekday() + 1) % 7, most=0
    )

    assert book(company).reference
    elsewhere = make_property(postal_code="85006")
    assert refusal(company, property=elsewhere) == Reason.CAP
    assert refusal(company, starts_at=local(NEXT_DAY, 8)) == Reason.CAP


def test_moving_within_the_capped_day_takes_no_second_place(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    visit = book(company)

    moved = services.reschedule(
        appointment_id=visit.pk, starts_at=local(TOMORROW, 12), actor=SYSTEM, now=NOW
    )

    assert moved.starts_at == local(TOMORROW, 12)


def test_a_capped_day_is_not_listed(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    book(company)

    assert days_offered(company) == [TODAY, NEXT_DAY]


def test_a_promise_of_days_counts_on_its_first(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    visit = book(company)
    later = {"starts_at": 2, "ends_at": 2, "window_ends_at": 3}
    for name, days in later.items():
        setattr(visit, name, getattr(visit, name) + timedelta(days=days))
    visit.save()

    assert days_offered(company) == [TODAY, NEXT_DAY]


def days_offered(company) -> list[date]:
    wish = capacity.wish_for(
        service=company.service,
        location=company.branch,
        postal_code="85004",
        now=NOW,
    )
    found = capacity.promises_between(wish=wish, first_day=TODAY, days=3)
    return sorted({promise.day for promise in found})


# --- People -------------------------------------------------------------------------


def prefer(company, technician, kind: str) -> None:
    TechnicianPreference.objects.create(
        customer=company.property.customer, technician=technician, kind=kind
    )


def test_the_preferred_technician_is_sent_and_the_barred_one_never(company) -> None:
    liked, disliked = (make_technician(location=company.branch) for _ in range(2))
    prefer(company, liked, "preferred")
    prefer(company, disliked, "barred")

    exact = make_service(booking_mode="exact")
    assert book(company, service=exact).assignments.get().technician == liked
    # A second visit at that time goes to whoever is left but the barred one.
    second = book(company, service=exact)
    assert second.assignments.get().technician == company.technician
    assert refusal(company, technician_id=disliked.pk) == Reason.BARRED


def test_a_lent_technician_serves_where_the_shift_is(company) -> None:
    # Home is another branch; on one day the shift is here, from 13:00 to 15:00.
    elsewhere = make_location()
    lent = make_technician(location=elsewhere)
    ShiftException.objects.create(
        technician=lent,
        date=TOMORROW,
        location=company.branch,
        starts=time(13),
        ends=time(15),
    )
    company.technician.weekly_shifts.all().delete()

    visit = book(company, starts_at=local(TOMORROW, 12))

    assert visit.assignments.get().technician == lent
    assert visit.starts_at == local(TOMORROW, 13)
    assert refusal(company, starts_at=local(NEXT_DAY, 12)) == Reason.OFF_SHIFT


def test_explanations_name_each_reason(company) -> None:
    far = make_technician(location=company.branch, shift=(12, 17))
    barred = make_technician(location=company.branch)
    prefer(company, barred, "barred")
    exact = make_service(booking_mode="exact")
    book(
        company,
        service=exact,
        property=place(FAR),
        technician_id=company.technician.pk,
    )
    wish = capacity.wish_for(
        service=exact,
        location=company.branch,
        postal_code="85004",
        address=company.property,
        now=NOW,
    )

    found = capacity.explain_start(wish=wish, starts_at=local(TOMORROW, 9))

    reasons: dict[UUID, Reason | None] = {
        who: reason for who, _, reason in found.technicians
    }
    assert reasons == {
        company.technician.pk: Reason.TRAVEL,
        far.pk: Reason.OFF_SHIFT,
        barred.pk: Reason.BARRED,
    }


def test_travel_counts_from_home_where_home_is_known(company) -> None:
    homely = make_technician(
        location=company.branch, home_latitude=FAR[0], home_longitude=FAR[1]
    )
    exact = make_service(booking_mode="exact")

    def at_home_of(minute: int) -> dict:
        return {
            "service": exact,
            "starts_at": local(TOMORROW, 8, minute),
            "property": place(NEAR),
            "technician_id": homely.pk,
        }

    assert refusal(company, **at_home_of(30)) == Reason.TRAVEL
    assert book(company, **at_home_of(45)).starts_at == local(TOMORROW, 8) + HOUR * 0.75


def test_a_visit_without_any_place_is_booked_without_ways(company) -> None:
    book(company, property=place(NEAR))
    nowhere = make_property(postal_code="00000", latitude=None, longitude=None)

    visit = book(
        company,
        property=nowhere,
        location=company.branch,
        starts_at=local(TOMORROW, 8),
    )

    assert visit.starts_at - local(TOMORROW, 9) == timedelta()


def test_who_moves_a_visit_is_offered_its_own_time_too(
    company, api_as, time_machine
) -> None:
    time_machine.move_to(NOW)
    exact = make_service(booking_mode="exact", duration_minutes=9 * 60)
    visit = book(company, service=exact, property=place(NEAR))
    dispatcher = api_as(make_user(locations=[company.branch]))

    def offered(**given) -> list[str]:
        query = {
            "service": exact.code,
            "postal_code": "85004",
            "from": TOMORROW.isoformat(),
            "days": 1,
        }
        answer = dispatcher.get("/api/v1/availability", query | given)
        return [slot["starts_at"] for slot in answer.json()["slots"]]

    assert offered() == []
    assert offered(appointment=visit.pk) == ["2027-03-02T08:00:00-07:00"]


def test_slots_for_a_known_address_are_measured_from_there(
    company, api_as, time_machine
) -> None:
    time_machine.move_to(NOW)
    exact = make_service(booking_mode="exact")
    book(company, service=exact, property=place(NEAR))
    dispatcher = api_as(make_user(locations=[company.branch]))

    def first_after_nine(address) -> str:
        query = {
            "service": exact.code,
            "postal_code": "85004",
            "from": TOMORROW.isoformat(),
            "days": 1,
            "property": str(address.pk),
        }
        answer = dispatcher.get("/api/v1/availability", query)
        return str(answer.json()["slots"][0]["starts_at"])

    assert first_after_nine(place(NEAR)) == "2027-03-02T09:00:00-07:00"
    assert first_after_nine(place(FAR)) == "2027-03-02T09:45:00-07:00"
