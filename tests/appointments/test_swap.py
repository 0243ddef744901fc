"""Two visits exchange their technicians: both, or nothing."""

from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from appointments import services
from appointments.models import (
    Appointment,
    Assignment,
    PreferenceKind,
    TechnicianPreference,
)
from appointments.rules.slots import Reason
from appointments.rules.states import Status
from appointments.services import (
    BookingRequest,
    Exchange,
    InvalidTransition,
    NotSwappable,
    SlotUnavailable,
)
from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound, VersionConflict
from core.models import Event
from tests.appointments.packing import expected_days, packed_days
from tests.factories import (
    DAY,
    HOUR,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_assignment,
    make_location,
    make_property,
    make_service,
    make_skill,
    make_technician,
    make_user,
)


@pytest.fixture
def colleague(company):
    return make_technician(location=company.branch)


def visit_of(company, technician, hour: float, **given) -> Appointment:
    """Make a visit that begins tomorrow at that hour, promised for two hours."""
    start = local(TOMORROW, 0) + hour * HOUR
    fields = {
        "service": company.service,
        "property": make_property(postal_code="85004"),
    }
    return make_appointment(
        technician=technician,
        location=company.branch,
        starts_at=start,
        **fields | given,
    )


def swap(first, second, **given):
    fields: dict[str, Any] = {"actor": SYSTEM, "now": NOW}
    return services.swap(first_id=first.pk, second_id=second.pk, **fields | given)


def crew(visit) -> list[object]:
    rows = Assignment.objects.filter(appointment=visit).order_by("-is_lead", "part")
    return [row.technician for row in rows]


def everything() -> list[object]:
    """Return all that a swap may change."""
    return [
        list(Appointment.objects.order_by("pk").values()),
        list(Assignment.objects.order_by("pk").values()),
        list(Event.objects.order_by("pk").values()),
        packed_days(),
    ]


# --- Technicians -------------------------------------------------------------


def test_two_visits_exchange_their_technicians_and_keep_their_times(
    company, colleague
) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    swapped = swap(first, second)

    assert [visit.pk for visit in swapped] == [first.pk, second.pk]
    assert (crew(first), crew(second)) == ([colleague], [company.technician])
    assert [visit.starts_at for visit in swapped] == [first.starts_at, second.starts_at]
    assert [visit.version for visit in swapped] == [2, 2]
    assert packed_days() == expected_days()


def test_visits_that_overlap_are_swapped_though_not_one_by_one(
    company, colleague
) -> None:
    company.service.duration_minutes = 120
    company.service.save()
    first = visit_of(company, company.technician, 9)
    second = visit_of(company, colleague, 10)

    with pytest.raises(SlotUnavailable):
        services.assign(
            appointment_id=first.pk,
            technician_id=colleague.pk,
            actor=SYSTEM,
            now=NOW,
        )
    swap(first, second)

    assert (crew(first), crew(second)) == ([colleague], [company.technician])
    assert packed_days() == expected_days()


def test_work_moves_within_the_promise_where_it_must(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)
    visit_of(company, colleague, 8)

    moved, kept = swap(first, second)

    assert moved.starts_at == local(TOMORROW, 9)
    assert moved.window_starts_at == local(TOMORROW, 8)
    assert kept.starts_at == second.starts_at


def test_buffers_and_the_way_between_count_as_for_any_visit(company, colleague) -> None:
    # About 5 km apart: 20 minutes with the built-in model, and no less than 15.
    here = make_property(postal_code="85004", latitude=33.45, longitude=-112.07)
    there = make_property(postal_code="85004", latitude=33.50, longitude=-112.07)
    first = visit_of(company, company.technician, 8, property=here)
    second = visit_of(company, colleague, 13, property=here)
    visit_of(company, colleague, 9, property=there)
    Assignment.objects.update(latitude=33.45, longitude=-112.07)
    Assignment.objects.filter(appointment__property=there).update(latitude=33.50)

    with pytest.raises(SlotUnavailable) as refused:
        swap(first, second)

    assert refused.value.extra["reason"] == Reason.TRAVEL
    assert refused.value.extra["appointment"] == str(first.pk)


def test_a_late_visit_can_still_be_given_away(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    swap(first, second, now=local(TOMORROW, 10, 30))

    assert crew(first) == [colleague]


def test_work_is_planned_ahead_where_the_promise_leaves_time(
    company, colleague
) -> None:
    first = visit_of(company, company.technician, 8, window_ends_at=local(TOMORROW, 12))
    second = visit_of(company, colleague, 13)
    visit_of(company, colleague, 8.5, ends_at=local(TOMORROW, 9))

    moved, _ = swap(first, second, now=local(TOMORROW, 9, 10))

    assert moved.starts_at == local(TOMORROW, 9, 15)


# --- Plans -------------------------------------------------------------------


def test_plans_are_exchanged_with_the_time(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 9, window_starts_at=local(TOMORROW, 8))

    one, other = swap(first, second, exchange=Exchange.PLANS)

    assert (one.starts_at, other.starts_at) == (second.starts_at, first.starts_at)
    assert (crew(first), crew(second)) == ([colleague], [company.technician])


def test_one_technician_serves_two_customers_the_other_way_round(company) -> None:
    wide = {
        "window_starts_at": local(TOMORROW, 8),
        "window_ends_at": local(TOMORROW, 12),
    }
    short = make_service(duration_minutes=30)
    first = visit_of(company, company.technician, 8, service=short, **wide)
    second = visit_of(company, company.technician, 8.5, **wide)

    one, other = swap(first, second, exchange=Exchange.PLANS)

    # The longer one takes the first place, and the shorter one follows it.
    assert other.starts_at == local(TOMORROW, 8)
    assert one.starts_at == local(TOMORROW, 9)
    assert packed_days() == expected_days()


def test_nothing_is_exchanged_where_the_promises_forbid_it(company) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, company.technician, 12)
    before = everything()

    with pytest.raises(NotSwappable):
        swap(first, second, exchange=Exchange.PLANS)

    assert everything() == before


# --- Crews, and visits of several days ---------------------------------------


def test_crews_that_share_somebody_are_swapped(company, colleague) -> None:
    service = make_service(crew_size=2)
    third = make_technician(location=company.branch)
    first = visit_of(company, company.technician, 8, service=service)
    second = visit_of(company, colleague, 12, service=service)
    make_assignment(appointment=first, technician=third, is_lead=False)
    make_assignment(appointment=second, technician=third, is_lead=False)

    swap(first, second)

    assert (crew(first), crew(second)) == (
        [colleague, third],
        [company.technician, third],
    )


def test_parts_of_several_days_go_along(company, colleague) -> None:
    service = make_service(
        duration_minutes=15 * 60, splits_over_days=True, booking_mode="exact"
    )

    def book(technician) -> Appointment:
        return services.book(
            request=BookingRequest(
                service=service,
                starts_at=local(TOMORROW, 8),
                property=make_property(postal_code="85004"),
                technician_id=technician.pk,
            ),
            actor=SYSTEM,
            now=NOW,
        )

    first, second = book(company.technician), book(colleague)

    swap(first, second)

    assert crew(first) == [colleague] * 2
    assert crew(second) == [company.technician] * 2
    assert packed_days() == expected_days()


# --- What is refused changes nothing -----------------------------------------


def lack_a_skill(company, colleague, first, second) -> None:
    skilled = make_service(skills=[make_skill()])
    Appointment.objects.filter(pk=first.pk).update(service=skilled)


def be_barred(company, colleague, first, second) -> None:
    TechnicianPreference.objects.create(
        customer=second.customer,
        technician=company.technician,
        kind=PreferenceKind.BARRED,
    )


def be_busy(company, colleague, first, second) -> None:
    visit_of(company, colleague, 8, ends_at=local(TOMORROW, 11))


@pytest.mark.parametrize(
    ("prepare", "reason", "whose"),
    [
        (lack_a_skill, Reason.NO_SKILL, 0),
        (be_barred, Reason.BARRED, 1),
        (be_busy, Reason.BUSY, 0),
    ],
)
def test_a_refused_swap_changes_nothing(
    company, colleague, prepare, reason, whose
) -> None:
    both = visit_of(company, company.technician, 8), visit_of(company, colleague, 12)
    prepare(company, colleague, *both)
    before = everything()

    with pytest.raises(SlotUnavailable) as refused:
        swap(*both)

    assert refused.value.extra["reason"] == reason
    assert refused.value.extra["appointment"] == str(both[whose].pk)
    assert everything() == before


def test_two_that_fit_one_by_one_may_not_fit_together(company, colleague) -> None:
    service = make_service(crew_size=2, duration_minutes=120)
    third = make_technician(location=company.branch)
    # Only the shared technician stands in the way, as he would be in two places.
    first = visit_of(company, company.technician, 8, service=service)
    second = visit_of(
        company,
        colleague,
        10,
        service=service,
        window_starts_at=local(TOMORROW, 9, 30),
        window_ends_at=local(TOMORROW, 10, 1),
    )
    make_assignment(appointment=first, technician=third, is_lead=False)
    make_assignment(appointment=second, technician=third, is_lead=False)
    visit_of(company, colleague, 8, ends_at=local(TOMORROW, 8, 15))
    before = everything()

    with pytest.raises(SlotUnavailable) as refused:
        swap(first, second)

    assert refused.value.extra["reason"] == Reason.BUSY
    assert everything() == before


def test_what_cannot_be_swapped_says_so(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    nobodys = visit_of(company, None, 12)
    same = visit_of(company, company.technician, 12)
    big = visit_of(company, colleague, 12)
    make_assignment(
        appointment=big,
        technician=make_technician(location=company.branch),
        is_lead=False,
    )

    for other in (first, nobodys, same, big):
        with pytest.raises(NotSwappable):
            swap(first, other)
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", [Status.ON_SITE, Status.COMPLETED])
def test_work_that_has_begun_is_not_swapped(company, colleague, status) -> None:
    first = visit_of(company, company.technician, 8, status=status)
    second = visit_of(company, colleague, 12)

    with pytest.raises(InvalidTransition):
        swap(first, second)


def test_what_one_may_not_see_is_not_found(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)
    elsewhere = make_location()
    outsider = Actor(
        role=Role.DISPATCHER, label="Eve", location_ids=frozenset({elsewhere.pk})
    )

    with pytest.raises(NotFound):
        swap(first, second, actor=outsider)


@pytest.mark.parametrize("stale", ["first_version", "second_version"])
def test_a_stale_version_of_either_is_refused(company, colleague, stale) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    with pytest.raises(VersionConflict):
        swap(first, second, **{stale: 7})

    assert crew(first) == [company.technician]


# --- What is told ------------------------------------------------------------


def test_each_visit_tells_with_which_it_was_swapped(company, colleague) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    swap(first, second, reason="Nearer to home")

    events = Event.objects.filter(name="appointment.assigned")
    told = {event.aggregate_id: event for event in events}
    assert set(told) == {first.pk, second.pk}
    assert told[first.pk].data["swapped_with"] == str(second.pk)
    assert told[second.pk].data["swapped_with"] == str(first.pk)
    before = told[first.pk].data["previous"]
    assert before["technicians"] == [str(company.technician.pk)]
    assert told[first.pk].data["technicians"] == [str(colleague.pk)]
    assert {event.reason for event in events} == {"Nearer to home"}


# --- The database is the referee ---------------------------------------------


def test_after_a_swap_the_constraint_is_checked_at_once_again(
    company, colleague
) -> None:
    first = visit_of(company, company.technician, 8)
    swap(first, visit_of(company, colleague, 12))

    with pytest.raises(IntegrityError), transaction.atomic():
        visit_of(company, colleague, 8)


@pytest.mark.django_db(transaction=True)
def test_whoever_puts_the_check_off_is_refused_at_the_commit() -> None:
    technician = make_technician()
    make_appointment(technician=technician)
    overlapping = make_appointment(location=technician.location)

    @transaction.atomic
    def overlap() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS technician_is_in_one_place DEFERRED")
        make_assignment(appointment=overlapping, technician=technician)

    with pytest.raises(IntegrityError):
        overlap()

    assert Assignment.objects.count() == 1
    assert packed_days() == expected_days()


# --- Over HTTP ---------------------------------------------------------------


@pytest.fixture
def dispatcher(company, api_as):
    with time_machine.travel(NOW, tick=True):
        yield api_as(make_user(Role.DISPATCHER, locations=[company.branch]))


def post(client, first, second, **given):
    body = {"first": str(first.pk), "second": str(second.pk)} | given
    return client.post("/api/v1/appointments/swap", body, format="json")


def test_the_api_swaps(company, colleague, dispatcher) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    answer = post(dispatcher, first, second, reason="Nearer")

    assert answer.status_code == 200
    shown = answer.json()
    assert shown["first"]["technicians"][0]["id"] == str(colleague.pk)
    assert shown["second"]["technicians"][0]["id"] == str(company.technician.pk)
    assert shown["first"]["version"] == 2


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"second_version": 3}, 412, "version_conflict"),
        ({"exchange": "customers"}, 400, "invalid"),
        ({"technician": "x"}, 400, "invalid"),
    ],
)
def test_the_api_refuses(company, colleague, dispatcher, given, status, code) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)

    answer = post(dispatcher, first, second, **given)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert crew(first) == [company.technician]


def test_the_api_finds_no_visit_of_another_branch(
    company, colleague, dispatcher
) -> None:
    first = visit_of(company, company.technician, 8)
    elsewhere = make_appointment(technician=make_technician())

    assert post(dispatcher, first, elsewhere).status_code == 404
    assert crew(first) == [company.technician]


def test_the_api_says_which_visit_cannot_be_kept(
    company, colleague, dispatcher
) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12)
    visit_of(company, colleague, 8, ends_at=local(TOMORROW, 11))

    answer = post(dispatcher, first, second)

    assert answer.status_code == 409
    assert answer.json()["code"] == "slot_unavailable"
    assert answer.json()["appointment"] == str(first.pk)
    assert answer.json()["alternatives"]


def test_one_key_swaps_once(company, colleague, dispatcher) -> None:
    first = visit_of(company, company.technician, 8)
    second = visit_of(company, colleague, 12 + DAY / HOUR)
    body = {"first": str(first.pk), "second": str(second.pk)}

    answers = [
        dispatcher.post(
            "/api/v1/appointments/swap",
            body,
            format="json",
            HTTP_IDEMPOTENCY_KEY="swap-1",
        )
        for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert crew(first) == [colleague]
