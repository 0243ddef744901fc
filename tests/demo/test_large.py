"""The large scale, at a tiny size: the same rows by the same road."""

import pytest
from django.db import connection
from django.db.models import Count, F

from appointments.models import Appointment, Assignment
from appointments.rules.states import OPEN, Status
from core.models import Event, Location, OpeningHours
from leads.models import ContactMethod, Customer, Lead, LeadStatus
from technicians.models import Technician, TimeOff
from tests.appointments.packing import expected_days, packed_days
from tests.demo.conftest import NOW, TINY, run_seed
from tests.demo.keeping import broken_rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("grown")]

VOLUME_PHONE = "+1555"


def test_eight_branches_in_eight_time_zones_have_equal_crews():
    zones = [location.time_zone.key for location in Location.objects.all()]
    crews = Location.objects.annotate(crew=Count("technicians"))

    assert len(set(zones)) == len(zones) == 8
    assert set(crews.values_list("crew", flat=True)) == {TINY.technicians_per_branch}
    assert OpeningHours.objects.count() == 8 * 7
    assert TimeOff.objects.filter(technician__location__code="boise").exists()


def test_exactly_as_many_rows_come_as_were_asked_for():
    grown = {
        "customers": ContactMethod.objects.filter(value__startswith=VOLUME_PHONE),
        "visits": Appointment.objects.filter(
            customer__contact_methods__value__startswith=VOLUME_PHONE
        ),
        "leads": Lead.objects.filter(phone__startswith=VOLUME_PHONE),
    }

    assert {name: rows.count() for name, rows in grown.items()} == {
        "customers": TINY.customers,
        "visits": TINY.visits,
        "leads": TINY.leads,
    }


def test_every_open_visit_could_have_been_booked_so():
    # Fifteen visits a day leave no time to drive.
    assert broken_rules(now=NOW, with_driving=False) == []


def test_past_visits_are_over_and_coming_ones_are_open():
    past = Appointment.objects.filter(ends_at__lte=NOW)
    coming = Appointment.objects.filter(starts_at__gt=NOW)
    grown = {"customer__contact_methods__value__startswith": VOLUME_PHONE}

    assert not past.filter(**grown, status__in=OPEN).exists()
    assert set(coming.filter(**grown).values_list("status", flat=True)) == {
        Status.SCHEDULED,
        Status.CANCELLED,
    }
    assert past.filter(status=Status.COMPLETED).count() > 0.8 * past.count()


def test_nothing_was_asked_for_or_done_in_the_future():
    assert not Appointment.objects.filter(created_at__gt=NOW).exists()
    assert not Appointment.objects.filter(updated_at__gt=NOW).exists()
    assert not Lead.objects.filter(updated_at__gt=NOW).exists()
    assert not Assignment.objects.filter(released_at__gt=NOW).exists()
    assert not Assignment.objects.filter(released_at__lt=F("created_at")).exists()


def test_time_is_held_by_open_visits_alone():
    assert not (
        Assignment.objects.holding().exclude(appointment__status__in=OPEN).exists()
    )


def test_what_is_to_come_has_a_history_to_go_on_from():
    begun = Event.objects.filter(name="appointment.booked").values("aggregate_id")
    coming = Appointment.objects.filter(status=Status.SCHEDULED)

    assert coming.count() > 300
    assert not coming.exclude(pk__in=begun).exists()


def test_a_converted_lead_is_the_visit_it_became():
    converted = Lead.objects.filter(status=LeadStatus.CONVERTED)

    assert converted.count() > TINY.visits // 5
    assert not converted.exclude(
        customer=F("appointment__customer"),
        converted_at=F("appointment__created_at"),
    ).exists()


def test_a_second_run_changes_nothing():
    before = [model.objects.count() for model in (Customer, Appointment, Technician)]

    said = run_seed(scale="large", volume=TINY)

    assert said.startswith("The demo is there already")
    assert before == [
        model.objects.count() for model in (Customer, Appointment, Technician)
    ]


def test_the_packed_days_are_what_the_triggers_would_have_kept():
    assert len(packed_days()) > 100
    assert packed_days() == expected_days()


def test_what_is_to_come_says_where_it_is():
    coming = Assignment.objects.holding().filter(
        appointment__status=Status.SCHEDULED, appointment__starts_at__gt=NOW
    )

    assert coming.count() > 300
    assert not coming.filter(latitude=None).exists()
    assert not coming.filter(appointment__zone=None).exists()


def test_every_key_is_checked_and_every_index_ready():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")
        unchecked = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        unready = cursor.fetchone()

    assert unchecked == unready == (0,)
