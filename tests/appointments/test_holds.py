"""Holds: a slot kept for a visitor, and free again when the time is over (R11)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Sum

from appointments import services
from appointments.models import (
    Appointment,
    Assignment,
    BranchDay,
    Cap,
    Hold,
    PreferenceKind,
)
from appointments.rules.slots import Reason
from appointments.selectors.availability import Question, availability
from appointments.selectors.days import differing_on
from appointments.selectors.holds import hash_of, holds_gone_by, own_holds
from appointments.services import (
    BookingRequest,
    HoldExpired,
    HoldMismatch,
    HoldRequest,
    SlotUnavailable,
    TooManyHolds,
)
from appointments.services.branch_days import mistakes_in
from appointments.services.holds import ApprovalRequired
from core.actors import ANONYMOUS, SYSTEM
from core.errors import NotFound
from core.models import Event, Holiday
from leads.services import AlreadyConverted
from tests.factories import (
    DAY,
    MINUTE,
    NOW,
    TOMORROW,
    local,
    make_lead,
    make_property,
    make_service,
    make_technician,
    make_time_off,
)

EIGHT = local(TOMORROW, 8)
TEN = local(TOMORROW, 10)
TICK = timedelta(microseconds=1)


@pytest.fixture
def company(company):
    """Let a window be kept exactly once."""
    company.service = make_service(duration_minutes=120, hold_minutes=15)
    return company


def keep(company, *, now=NOW, actor=ANONYMOUS, **given) -> tuple[Hold, str]:
    fields: dict[str, Any] = {
        "service": company.service,
        "postal_code": "85004",
        "starts_at": EIGHT,
    }
    request = HoldRequest(**fields | given)
    return services.hold(request=request, actor=actor, now=now)


def book(company, *, now=NOW, **given) -> Appointment:
    fields: dict[str, Any] = {
        "service": company.service,
        "starts_at": EIGHT,
        "property": company.property,
    }
    request = BookingRequest(**fields | given)
    return services.book(request=request, actor=SYSTEM, now=now)


def offered(company, *, now=NOW, own=()) -> list[object]:
    """Return the starts on offer tomorrow."""
    found = availability(
        Question(
            service=company.service.code,
            postal_code="85004",
            now=now,
            first_day=TOMORROW,
            days=1,
            public_only=True,
            by_whom=False,
            own=own,
        )
    )
    return [promise.starts_at for promise, _ in found.promises]


def test_a_hold_keeps_the_promise_and_the_time(company) -> None:
    kept, _token = keep(company)

    assert (kept.window_starts_at, kept.window_ends_at) == (EIGHT, TEN)
    assert kept.expires_at == NOW + 15 * MINUTE
    row = Assignment.objects.get(hold=kept)
    assert (row.technician, row.held_until) == (company.technician, kept.expires_at)
    assert (row.occupied_from, row.occupied_until) == (EIGHT, TEN)


def test_only_the_hash_of_a_long_random_token_is_stored(company) -> None:
    kept, token = keep(company)

    row = Hold.objects.filter(pk=kept.pk).values().get()
    assert len(token) >= 43  # 256 bits in base 64
    assert row["token_hash"] == hash_of(token)
    assert token not in str(row)


def test_a_hold_blocks_others_until_it_is_over(company) -> None:
    kept, _ = keep(company)
    last = kept.expires_at - TICK

    with pytest.raises(SlotUnavailable) as refused:
        book(company, now=last)

    assert refused.value.extra["reason"] == Reason.HELD
    assert EIGHT not in offered(company, now=last)


def test_at_its_very_end_the_slot_is_free_with_nobody_cleaning_up(company) -> None:
    kept, _ = keep(company)

    assert EIGHT in offered(company, now=kept.expires_at)
    visit = book(company, now=kept.expires_at)

    assert visit.starts_at == EIGHT
    assert not Assignment.objects.filter(hold=kept).exists()


def test_another_hold_takes_the_slot_at_the_very_end(company) -> None:
    kept, _ = keep(company)
    with pytest.raises(SlotUnavailable):
        keep(company, now=kept.expires_at - TICK)

    later, _ = keep(company, now=kept.expires_at)

    assert Assignment.objects.get().hold == later


def test_ones_own_token_still_offers_the_slot(company) -> None:
    _, token = keep(company)

    assert EIGHT in offered(company, own=own_holds(token))
    assert EIGHT not in offered(company, own=own_holds("somebody else's"))


def test_a_new_hold_replaces_the_old_one(company) -> None:
    visitor = uuid4()
    first, old_token = keep(company, visitor=visitor)

    second, _ = keep(company, visitor=visitor, starts_at=TEN)

    assert Hold.objects.get() == second
    assert Assignment.objects.get().occupied_from == TEN
    assert EIGHT in offered(company)
    with pytest.raises(NotFound):
        services.held(hold_id=first.pk, token=old_token, now=NOW)


def test_the_same_slot_can_be_held_anew(company) -> None:
    visitor = uuid4()
    keep(company, visitor=visitor)

    again, _ = keep(company, visitor=visitor, now=NOW + MINUTE)

    assert Hold.objects.get() == again
    assert again.expires_at == NOW + 16 * MINUTE


def test_when_the_new_hold_fails_the_old_one_stands(company) -> None:
    visitor = uuid4()
    book(company, starts_at=TEN)
    first, token = keep(company, visitor=visitor)

    with pytest.raises(SlotUnavailable):
        keep(company, visitor=visitor, starts_at=TEN)

    assert services.held(hold_id=first.pk, token=token, now=NOW) == first
    assert Assignment.objects.get(hold=first).occupied_from == EIGHT


def test_an_expired_hold_of_the_same_visitor_is_replaced_too(company) -> None:
    visitor = uuid4()
    first, _ = keep(company, visitor=visitor)

    second, _ = keep(company, visitor=visitor, starts_at=TEN, now=first.expires_at)

    assert Hold.objects.get() == second


def test_a_visitor_who_leaves_a_lead_meanwhile_is_still_one_visitor(company) -> None:
    visitor, lead = uuid4(), make_lead()
    keep(company, visitor=visitor)

    keep(company, visitor=visitor, lead_id=lead.pk, starts_at=TEN)
    last, _ = keep(company, lead_id=lead.pk, starts_at=local(TOMORROW, 12))

    assert Hold.objects.get() == last


def test_a_deposit_gives_time_to_pay(company) -> None:
    company.service = make_service(deposit_cents=5000, hold_minutes=10)
    short, _ = keep(company)
    company.service = make_service(deposit_cents=5000, hold_minutes=60)
    long, _ = keep(company, starts_at=TEN)

    assert short.expires_at == NOW + 35 * MINUTE
    assert long.expires_at == NOW + 60 * MINUTE


def test_what_is_not_offered_is_not_held(company) -> None:
    with pytest.raises(SlotUnavailable) as refused:
        keep(company, starts_at=local(TOMORROW, 9))

    assert refused.value.extra["reason"] == Reason.OFF_GRID
    assert not Hold.objects.exists()


def test_a_barred_technician_is_not_held_for_a_known_customer(company) -> None:
    lead = make_lead(customer=company.property.customer)
    company.property.customer.technician_preferences.create(
        technician=company.technician, kind=PreferenceKind.BARRED
    )

    with pytest.raises(SlotUnavailable):
        keep(company, lead_id=lead.pk)


def test_a_lead_that_was_booked_holds_nothing(company) -> None:
    lead = make_lead(line1="1 Elm St", city="Phoenix", region="AZ")
    book(company, property=None, lead_id=lead.pk)

    with pytest.raises(AlreadyConverted):
        keep(company, lead_id=lead.pk, starts_at=TEN)


# --- Booking what was held ----------------------------------------------------------


def test_booking_turns_the_held_time_over(company) -> None:
    _kept, token = keep(company)
    row = Assignment.objects.get()

    visit = book(company, hold=token)

    turned = visit.assignments.get()
    assert turned.pk == row.pk
    assert (turned.hold, turned.held_until) == (None, None)
    assert (visit.window_starts_at, visit.starts_at) == (EIGHT, EIGHT)
    assert not Hold.objects.exists()
    assert Event.objects.get(aggregate_id=visit.pk).name == "appointment.booked"


def test_a_hold_kept_is_not_asked_for_notice_again(company) -> None:
    company.service = make_service(
        duration_minutes=120, notice_minutes=24 * 60, hold_minutes=15
    )
    _, token = keep(company, starts_at=EIGHT, now=NOW)  # just in time

    visit = book(company, hold=token, now=NOW + 14 * MINUTE)

    assert visit.starts_at == EIGHT


def test_a_hold_is_booked_up_to_its_last_microsecond(company) -> None:
    make_technician(location=company.branch)
    kept, token = keep(company)

    row = Assignment.objects.get()

    visit = book(company, hold=token, now=kept.expires_at - TICK)

    assert visit.assignments.get() == row


def test_after_its_end_the_slot_is_booked_if_it_is_free(company) -> None:
    kept, token = keep(company)

    visit = book(company, hold=token, now=kept.expires_at)

    assert visit.starts_at == EIGHT
    assert not Hold.objects.exists()


def test_after_its_end_a_taken_slot_is_gone_with_alternatives(company) -> None:
    kept, token = keep(company)
    book(company, now=kept.expires_at)

    with pytest.raises(HoldExpired) as gone:
        book(company, property=make_property(), hold=token, now=kept.expires_at)

    assert gone.value.extra["reason"] == Reason.BUSY
    assert (
        gone.value.extra["alternatives"][0]["starts_at"]
        == TEN.astimezone(company.branch.time_zone).isoformat()
    )
    assert Appointment.objects.count() == 1


def test_a_token_books_once(company) -> None:
    make_technician(location=company.branch)
    _, token = keep(company)
    book(company, hold=token)

    with pytest.raises(HoldExpired):
        book(company, property=make_property(), hold=token)

    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "differs"),
    [
        ({"starts_at": TEN}, ["starts_at"]),
        ({"service": "another"}, ["service"]),
        ({"property": "elsewhere"}, ["postal_code"]),
    ],
)
def test_a_hold_is_for_what_was_held(company, given, differs) -> None:
    _, token = keep(company)
    company.zone.zips.create(postal_code="85006")
    if "service" in given:
        given = {"service": make_service(duration_minutes=120)}
    if "property" in given:
        given = {"property": make_property(postal_code="85006")}

    with pytest.raises(HoldMismatch) as refused:
        book(company, hold=token, **given)

    assert refused.value.extra["differs"] == differs
    assert Hold.objects.exists()


def test_a_leads_hold_is_for_that_lead(company) -> None:
    home = {"line1": "1 Elm St", "city": "Phoenix", "region": "AZ"}
    mine, yours = make_lead(**home), make_lead(**home)
    _, token = keep(company, lead_id=mine.pk)

    with pytest.raises(HoldMismatch):
        book(company, property=None, lead_id=yours.pk, hold=token)
    visit = book(company, property=None, lead_id=mine.pk, hold=token)

    assert visit.lead == mine


def test_a_technician_who_went_away_is_replaced_by_another(company) -> None:
    _kept, token = keep(company)
    spare = make_technician(location=company.branch)
    make_time_off(technician=company.technician, starts_at=EIGHT, ends_at=TEN)

    visit = book(company, hold=token)

    assert visit.assignments.get().technician == spare
    assert not Hold.objects.exists()


def test_a_technician_who_went_away_without_another_is_said(company) -> None:
    _, token = keep(company)
    make_time_off(technician=company.technician, starts_at=EIGHT, ends_at=TEN)

    with pytest.raises(SlotUnavailable) as refused:
        book(company, hold=token)

    assert refused.value.extra["reason"] == Reason.TIME_OFF
    assert not Appointment.objects.exists()


def test_a_holiday_beats_a_hold(company) -> None:
    _, token = keep(company)
    Holiday.objects.create(location=company.branch, date=TOMORROW, name="Picnic")

    with pytest.raises(SlotUnavailable) as refused:
        book(company, hold=token)

    assert refused.value.extra["reason"] == Reason.HOLIDAY


def test_a_held_technician_whom_the_customer_barred_does_not_come(company) -> None:
    _, token = keep(company)
    spare = make_technician(location=company.branch)
    company.property.customer.technician_preferences.create(
        technician=company.technician, kind=PreferenceKind.BARRED
    )

    visit = book(company, hold=token)

    assert visit.assignments.get().technician == spare


def test_who_chooses_somebody_else_lets_the_held_one_go(company) -> None:
    spare = make_technician(location=company.branch)
    _, token = keep(company)
    held = Assignment.objects.get().technician
    other = company.technician if held == spare else spare

    visit = book(company, hold=token, technician_id=other.pk)

    assert visit.assignments.get().technician == other
    assert Assignment.objects.count() == 1


def test_a_visit_over_several_days_is_held_and_turned_over_whole(company) -> None:
    company.service = make_service(duration_minutes=12 * 60, splits_over_days=True)
    kept, token = keep(company)

    visit = book(company, hold=token)

    assert (visit.starts_at, visit.ends_at) == (kept.starts_at, kept.ends_at)
    parts = visit.assignments.order_by("part").values_list("part", "occupied_from")
    assert list(parts) == [(0, EIGHT), (1, EIGHT + DAY)]


def test_days_and_accounts_follow_a_hold_that_becomes_a_visit(company) -> None:
    _, token = keep(company)
    while_held = differing_on(TOMORROW), mistakes_in(location_id=None)
    visit = book(company, hold=token)
    as_visit = differing_on(TOMORROW), mistakes_in(location_id=None)

    assert while_held == as_visit == ([], [])
    planned = BranchDay.objects.filter(location=visit.location, day=TOMORROW)
    assert planned.aggregate(minutes=Sum("planned_minutes"))["minutes"] == 120


def test_a_hold_counts_for_caps_while_it_lasts(company) -> None:
    Cap.objects.create(location=company.branch, most=1)
    kept, token = keep(company)

    with pytest.raises(SlotUnavailable) as refused:
        book(company, starts_at=TEN, now=kept.expires_at - TICK)
    mine = book(company, hold=token)
    with pytest.raises(SlotUnavailable):
        book(company, starts_at=TEN, now=kept.expires_at)

    assert refused.value.extra["reason"] == Reason.CAP
    assert mine.starts_at == EIGHT


# --- Letting go, and the limits -----------------------------------------------------


def test_a_hold_that_is_let_go_frees_its_slot(company) -> None:
    kept, token = keep(company)

    services.release(hold_id=kept.pk, token=token, now=NOW)

    assert EIGHT in offered(company)
    with pytest.raises(NotFound):
        services.release(hold_id=kept.pk, token=token, now=NOW)


def test_only_its_token_opens_a_hold(company) -> None:
    kept, token = keep(company)
    other, _ = keep(company, starts_at=TEN)

    for hold_id, key in [(kept.pk, "guess"), (other.pk, token), (uuid4(), token)]:
        with pytest.raises(NotFound):
            services.held(hold_id=hold_id, token=key, now=NOW)


def test_a_hold_that_is_over_says_so(company) -> None:
    kept, token = keep(company)
    asked: dict[str, Any] = {"hold_id": kept.pk, "token": token}

    assert services.held(**asked, now=kept.expires_at - TICK) == kept
    with pytest.raises(HoldExpired):
        services.held(**asked, now=kept.expires_at)
    with pytest.raises(HoldExpired):
        services.release(**asked, now=kept.expires_at)


def test_an_address_holds_so_many_and_no_more(company, settings) -> None:
    settings.HOLDS_PER_ADDRESS = 2
    mine: UUID = uuid4()
    keep(company, network_address="203.0.113.7", visitor=mine)
    keep(company, network_address="203.0.113.7", starts_at=TEN, now=NOW + MINUTE)

    with pytest.raises(TooManyHolds) as refused:
        keep(
            company,
            network_address="203.0.113.7",
            starts_at=local(TOMORROW, 12),
            now=NOW + 2 * MINUTE,
        )

    assert refused.value.retry_after == 13 * 60  # until the first is over
    noon = local(TOMORROW, 12)
    keep(company, network_address="203.0.113.7", starts_at=noon, visitor=mine)
    keep(company, network_address="203.0.113.8")
    keep(company, starts_at=local(TOMORROW, 14))  # staff: nobody counts


def test_holds_that_are_over_are_not_counted(company, settings) -> None:
    settings.HOLDS_PER_ADDRESS = 1
    kept, _ = keep(company, network_address="203.0.113.7")

    with pytest.raises(TooManyHolds):
        keep(company, network_address="203.0.113.7", now=kept.expires_at - TICK)
    keep(company, network_address="203.0.113.7", now=kept.expires_at)


def test_an_address_is_not_stored(company) -> None:
    kept, _ = keep(company, network_address="203.0.113.7")

    assert "203.0.113.7" not in str(Hold.objects.filter(pk=kept.pk).values().get())


def test_holds_long_over_are_forgotten(company) -> None:
    kept, _ = keep(company)

    assert not holds_gone_by(kept.expires_at + 7 * DAY)
    assert list(holds_gone_by(kept.expires_at + 7 * DAY + TICK)) == [kept]


def test_what_needs_approval_is_not_held_by_visitors(company) -> None:
    company.service = make_service(requires_approval=True)

    with pytest.raises(ApprovalRequired):
        keep(company)
    assert keep(company, actor=SYSTEM)


def test_a_crew_is_held_and_turned_over_whole(company) -> None:
    company.service = make_service(duration_minutes=120, crew_size=2)
    make_technician(location=company.branch)
    _, token = keep(company)
    held = set(Assignment.objects.values_list("pk", flat=True))

    visit = book(company, hold=token)

    assert len(held) == 2
    assert set(visit.assignments.values_list("pk", flat=True)) == held
    assert visit.assignments.filter(is_lead=True).count() == 1
