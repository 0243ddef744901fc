"""The small scale: believable, and by the rules."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password

from accounts.models import User
from appointments.models import (
    Appointment,
    Assignment,
    Cap,
    Service,
    TechnicianPreference,
)
from appointments.rules.states import LATER, Status
from appointments.services.record import snapshot as visit_snapshot
from config.demo.data.logins import LOGINS, PASSWORD, address
from core.actors import Role
from core.models import Event, Holiday, Location, OutboxMessage, ZoneZip
from core.services import deliver
from core.walltime import local_date
from integrations.models import WebhookEndpoint
from leads.models import Customer, Lead, LeadFlag, LeadStatus, Property
from leads.services.record import snapshot as lead_snapshot
from notifications.models import Notification
from technicians.models import Technician, WeeklyShift
from tests.appointments.packing import expected_days, packed_days
from tests.demo.conftest import NOW, SANDBOX_SECRET
from tests.demo.keeping import broken_rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo")]


def _histories(aggregate_type: str) -> dict[object, list[Event]]:
    histories: dict[object, list[Event]] = {}
    events = Event.objects.filter(aggregate_type=aggregate_type)
    for event in events.order_by("aggregate_id", "number"):
        histories.setdefault(event.aggregate_id, []).append(event)
    return histories


def test_three_branches_in_three_time_zones_have_25_technicians():
    zones = {location.time_zone.key for location in Location.objects.all()}

    assert zones == {"America/Phoenix", "America/Denver", "America/Chicago"}
    assert Technician.objects.count() == 25
    assert Service.objects.count() == 23


def test_each_branch_keeps_two_years_of_its_state_s_holidays():
    per_year = Counter(
        Holiday.objects.values_list("location__code", "date__year").order_by()
    )

    assert {year for _, year in per_year} == {NOW.year, NOW.year + 1}
    assert min(per_year.values()) >= 6
    assert per_year["dallas", NOW.year] > per_year["denver", NOW.year]


def test_every_customer_lives_where_a_branch_comes_and_can_be_reached():
    served = set(ZoneZip.objects.values_list("postal_code", flat=True))

    assert set(Property.objects.values_list("postal_code", flat=True)) <= served
    assert not Property.objects.filter(latitude=None).exists()
    assert not Customer.objects.filter(contact_methods=None).exists()


def test_every_open_visit_could_have_been_booked_so():
    assert broken_rules(now=NOW) == []


def test_a_visit_outside_of_its_technician_s_time_would_be_noticed():
    coming = Assignment.objects.holding().filter(occupied_from__gt=NOW)
    visit = coming.earliest("occupied_from").visit
    twelve_hours = timedelta(hours=12)
    for name in ("window_starts_at", "window_ends_at", "starts_at", "ends_at"):
        setattr(visit, name, getattr(visit, name) + twelve_hours)
    visit.save()

    (broken,) = broken_rules(now=NOW)

    assert visit.reference in broken


def test_the_coming_week_is_well_booked_and_not_full():
    week = (NOW + timedelta(days=1), NOW + timedelta(days=8))
    booked = sum(
        (
            row.occupied_until - row.occupied_from
            for row in Assignment.objects.holding().filter(occupied_from__range=week)
        ),
        timedelta(),
    )
    regular = sum(
        (
            timedelta(hours=shift.ends.hour, minutes=shift.ends.minute)
            - timedelta(hours=shift.starts.hour, minutes=shift.starts.minute)
            for shift in WeeklyShift.objects.filter(kind="regular")
        ),
        timedelta(),
    )

    assert 0.4 < booked / regular < 0.8  # the rest is driving, and room


def test_today_is_under_way_and_last_week_is_over():
    statuses = set(Appointment.objects.values_list("status", flat=True))
    yesterday = NOW - timedelta(days=1)

    assert statuses >= {
        Status.SCHEDULED,
        Status.DISPATCHED,
        Status.ON_SITE,
        Status.COMPLETED,
        Status.INCOMPLETE,
        Status.NO_SHOW,
        Status.CANCELLED,
    }
    assert not Appointment.objects.open().filter(ends_at__lt=yesterday).exists()
    assert not Appointment.objects.filter(
        status=Status.COMPLETED, starts_at__gt=NOW
    ).exists()


def test_some_visits_of_the_coming_days_wait_for_a_technician():
    lost = Counter(
        Appointment.objects.unassigned()
        .filter(status=Status.SCHEDULED)
        .values_list("location__code", flat=True)
    )

    assert lost.keys() == {"phoenix", "denver", "dallas"}
    assert set(lost.values()) == {3}


def test_every_visit_has_its_whole_history():
    histories = _histories("appointment")

    visits = Appointment.objects.select_related("location", "service")
    assert len(histories) == visits.count()
    for visit in visits:
        history = histories[visit.pk]
        assert [event.number for event in history] == [*range(1, len(history) + 1)]
        assert history[0].name in {"appointment.booked", "appointment.requested"}
        assert visit.version == len(history)
        assert history[-1].occurred_at == visit.updated_at <= NOW


def test_the_last_event_shows_the_visit_as_the_services_would():
    histories = _histories("appointment")

    for visit in Appointment.objects.select_related("location", "service"):
        shown = histories[visit.pk][-1].data
        assert shown.items() >= visit_snapshot(visit).items()


def test_every_step_follows_from_the_one_before():
    for event in Event.objects.filter(name="appointment.status_changed"):
        before = Status(event.data["previous"]["status"])
        after = Status(event.data["status"])
        assert after in LATER[before] or after == before == Status.SCHEDULED


def test_nobody_was_in_two_places_at_once():
    busy: dict[str, list] = {}
    for history in _histories("appointment").values():
        steps = [event for event in history if event.data["technicians"]]
        begun = [event for event in steps if event.data["status"] == "en_route"]
        if begun:
            who = begun[0].data["technicians"][0]
            span = (begun[0].occurred_at, history[-1].occurred_at)
            busy.setdefault(who, []).append(span)

    assert len(busy) == 25
    for spans in busy.values():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            assert end <= start


def test_each_branch_has_big_jobs_ahead_and_requests_to_answer():
    crews = Appointment.objects.filter(service__crew_size=2, status=Status.SCHEDULED)
    long = Appointment.objects.filter(service__splits_over_days=True)
    asked = Appointment.objects.filter(status=Status.REQUESTED)

    for visits, each in ((crews, 2), (long, 1), (asked, 2)):
        by_branch = Counter(visits.values_list("location__code", flat=True))
        assert by_branch == {"phoenix": each, "denver": each, "dallas": each}
    for visit in crews:
        technicians = visit.assignments.values_list("technician_id", flat=True)
        assert len(set(technicians)) == 2
        assert visit.assignments.filter(is_lead=True).count() == 1
    for visit in long:
        days = {row.occupied_from.date() for row in visit.assignments.all()}
        assert len(days) > 1
    assert {visit.service.requires_approval for visit in asked} == {True}
    assert not Assignment.objects.filter(appointment__in=asked).exists()


def test_no_day_has_more_visits_than_its_caps():
    caps = Cap.objects.select_related("location")
    visits = list(Appointment.objects.exclude(status=Status.CANCELLED))
    assert caps.count() == 5

    for cap in caps:
        days = Counter(
            local_date(visit.window_starts_at, zone=cap.location.time_zone)
            for visit in visits
            if visit.location_id == cap.location_id
            and cap.service_id in {None, visit.service_id}
            and cap.zone_id in {None, visit.zone_id}
        )
        bound = [n for d, n in days.items() if cap.weekday in {None, d.weekday()}]
        assert bound, cap.pk
        assert max(bound) <= cap.most


def test_some_customers_have_said_who_shall_come():
    kinds = Counter(TechnicianPreference.objects.values_list("kind", flat=True))

    assert kinds == {"preferred": 12, "barred": 6}
    assert Event.objects.filter(name="customer.preference_changed").count() == 18


def test_the_packed_days_are_what_the_assignments_say():
    assert len(packed_days()) > 100
    assert packed_days() == expected_days()


def test_leads_come_in_all_states_and_with_all_flags():
    leads = Lead.objects.all()

    assert {lead.status for lead in leads} == set(LeadStatus.values)
    assert {flag for lead in leads for flag in lead.flags} == set(LeadFlag.values)
    assert leads.filter(created_at__lt=NOW - timedelta(days=29)).count() == 0
    assert 100 <= leads.count() <= 220


def test_every_lead_has_its_whole_history():
    histories = _histories("lead")

    assert len(histories) == Lead.objects.count()
    for lead in Lead.objects.all():
        history = histories[lead.pk]
        assert history[0].name == "lead.created"
        assert lead.version == len(history)
        assert history[-1].data == lead_snapshot(lead)


def test_a_converted_lead_is_the_visit_it_became():
    for lead in Lead.objects.filter(status=LeadStatus.CONVERTED):
        assert lead.appointment.customer_id == lead.customer_id
        assert lead.appointment.created_at == lead.converted_at
        assert lead.appointment.source == "website"


def test_of_the_past_nothing_is_told_again():
    waiting = Event.objects.waiting().values_list("name", flat=True)

    assert list(waiting) == ["webhook_endpoint.created"]


def test_the_latest_news_waits_to_be_sent_and_is_still_true():
    waiting = list(OutboxMessage.objects.values_list("pk", "kind"))

    for message_id, _ in waiting:
        deliver(message_id=message_id, now=NOW)

    assert {kind for _, kind in waiting} == {"email", "sms"}
    assert 20 <= len(waiting) <= 80
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"delivered"}
    assert not Notification.objects.filter(sent_at=None).exists()


def test_the_sandbox_is_told_of_everything():
    endpoint = WebhookEndpoint.objects.get()

    assert endpoint.url == f"{settings.SANDBOX_URL}/webhooks"
    assert endpoint.secret == SANDBOX_SECRET
    assert endpoint.event_names == []


def test_the_printed_logins_work():
    users = {user.email: user for user in User.objects.all()}

    assert users.keys() >= {address(mailbox) for mailbox in LOGINS}
    assert {user.role for user in users.values()} == set(Role) - {Role.ANONYMOUS}
    assert all(check_password(PASSWORD, user.password) for user in users.values())
    assert users[address("tech")].technician.assignments.holding().exists()
