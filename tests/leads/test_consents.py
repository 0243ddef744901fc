"""What people agreed to be sent: added as they say it, never rewritten."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.actors import ANONYMOUS, SYSTEM, Role
from core.models import Event
from leads.models import ConsentAction, ConsentEvent, ConsentKind, Lead, Purpose
from leads.selectors import customers_with_contacts, may_send
from leads.services import UnknownContact, Word, receive_lead, record_consent
from tests.factories import HOUR, NOW, make_customer, make_user
from tests.leads.conftest import EMAIL, PHONE, received, wish

pytestmark = pytest.mark.django_db

GRANTED, REVOKED = ConsentAction.GRANTED, ConsentAction.REVOKED
SERVICE, MARKETING = Purpose.SERVICE, Purpose.MARKETING


def said(action, *, kind=ConsentKind.EMAIL, at=None, now=NOW, **given) -> ConsentEvent:
    fields = {
        "contact": EMAIL if kind == ConsentKind.EMAIL else PHONE,
        "purpose": MARKETING,
        "source": "test",
    }
    word = Word(kind=kind, action=action, **fields | given)
    return record_consent(word=word, actor=SYSTEM, now=now, at=at)


def may(purpose=MARKETING, *, kind=ConsentKind.EMAIL, contact=EMAIL) -> bool:
    return may_send(contact=contact, kind=kind, purpose=purpose)


def test_who_was_never_asked_hears_of_his_visits_and_no_advertising(db) -> None:
    assert may(SERVICE)
    assert not may(MARKETING)


def test_the_newest_word_counts(db) -> None:
    said(GRANTED, now=NOW)
    assert may(MARKETING)

    said(REVOKED, now=NOW + HOUR)
    assert not may(MARKETING)

    said(GRANTED, now=NOW + 2 * HOUR)
    assert may(MARKETING)


def test_a_word_that_comes_late_counts_from_when_it_was_said(db) -> None:
    said(GRANTED, now=NOW)

    said(REVOKED, now=NOW + HOUR, at=NOW - HOUR)

    assert may(MARKETING)
    assert ConsentEvent.objects.count() == 2


def test_a_stop_silences_advertising_too(db) -> None:
    said(GRANTED, kind=ConsentKind.SMS)

    said(REVOKED, kind=ConsentKind.SMS, purpose=SERVICE)

    for purpose in (SERVICE, MARKETING):
        assert not may(purpose, kind=ConsentKind.SMS, contact=PHONE)
    assert may(SERVICE)  # by e-mail


def test_no_to_advertising_is_no_no_to_messages_about_visits(db) -> None:
    said(REVOKED)

    assert may(SERVICE)


@pytest.mark.parametrize(
    ("kind", "given", "asked"),
    [
        (ConsentKind.EMAIL, " Ada@EXAMPLE.com", EMAIL),
        (ConsentKind.SMS, "(602) 555-0142", PHONE),
    ],
)
def test_addresses_are_compared_as_people_would(db, kind, given, asked) -> None:
    said(GRANTED, kind=kind, contact=given)

    assert may(kind=kind, contact=asked)
    assert may(kind=kind, contact=given)


@pytest.mark.parametrize(
    ("kind", "contact"),
    [(ConsentKind.EMAIL, "ada"), (ConsentKind.SMS, "12"), (ConsentKind.SMS, EMAIL)],
)
def test_nothing_goes_to_what_is_no_address(db, kind, contact) -> None:
    with pytest.raises(UnknownContact):
        said(GRANTED, kind=kind, contact=contact)
    assert not may(SERVICE, kind=kind, contact=contact)


def test_the_same_word_again_adds_nothing_a_new_text_does(db) -> None:
    first = said(GRANTED, text_version="2026-01")

    assert said(GRANTED, text_version="2026-01", now=NOW + HOUR) == first
    assert said(GRANTED, text_version="2026-09", now=NOW + HOUR) != first


def test_it_is_told_without_the_address(db) -> None:
    customer = make_customer(email=EMAIL)

    word = said(GRANTED)

    event = Event.objects.get(name="consent.granted")
    assert event.aggregate_id == word.pk
    assert event.data["customer"] == str(customer.pk)
    assert EMAIL not in str(event.data)


def test_the_database_lets_nobody_rewrite_or_delete_a_word(db) -> None:
    word = said(GRANTED)
    words = ConsentEvent.objects.filter(pk=word.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        words.update(action=REVOKED)
    with pytest.raises(IntegrityError), transaction.atomic():
        words.delete()
    assert words.get().action == GRANTED


def test_a_word_outlives_its_customer(db) -> None:
    customer = make_customer(email=EMAIL)
    word = said(REVOKED)

    customer.delete()

    word.refresh_from_db()
    assert (word.customer, word.action) == (None, REVOKED)


# --- Where it is said ---------------------------------------------------------


def test_a_lead_may_say_yes_to_advertising(branch) -> None:
    lead = received(email=EMAIL, marketing_consent=True, consent_text_version="v2")

    words = ConsentEvent.objects.filter(lead=lead)
    assert {(one.kind, one.contact) for one in words} == {
        (ConsentKind.SMS, PHONE),
        (ConsentKind.EMAIL, EMAIL),
    }
    assert {one.text_version for one in words} == {"v2"}
    assert {one.source for one in words} == {"lead-website"}
    assert may(MARKETING)
    assert may(MARKETING, kind=ConsentKind.SMS, contact=PHONE)


def test_a_no_takes_back_an_earlier_yes_and_silence_does_not(branch) -> None:
    said(GRANTED)

    received(email=EMAIL)
    assert may(MARKETING)

    received(email=EMAIL, message="no letters", marketing_consent=False, now=NOW + HOUR)
    assert not may(MARKETING)


def test_the_same_wish_with_another_answer_is_the_same_lead(branch) -> None:
    now = timezone.now()
    first = received(email=EMAIL, now=now)

    again, is_new = receive_lead(
        form=wish(email=EMAIL, marketing_consent=True), actor=ANONYMOUS, now=now
    )

    assert (again, is_new) == (first, False)
    assert may(MARKETING)


def test_odd_addresses_of_a_lead_agree_to_nothing(branch) -> None:
    received(phone="call me", email="ada at example", marketing_consent=True)

    assert not ConsentEvent.objects.exists()


def test_the_public_form_takes_the_answer(branch, api) -> None:
    body = {"name": "Ada Byron", "email": EMAIL, "postal_code": "85004"}
    agreed = {"marketing_consent": True, "consent_text_version": "2026-09"}

    answer = api.post("/api/v1/leads", body | agreed, format="json")

    assert answer.status_code == 201
    word = ConsentEvent.objects.get()
    assert word.lead == Lead.objects.get(pk=answer.json()["id"])
    assert (word.action, word.text_version) == (GRANTED, "2026-09")


def test_a_correction_of_a_lead_says_nothing_of_consent(branch, dispatcher) -> None:
    lead = received()

    answer = dispatcher.patch(
        f"/api/v1/leads/{lead.pk}", {"marketing_consent": True}, format="json"
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/marketing_consent"


def test_customers_show_the_last_word_at_each_address(branch, dispatcher) -> None:
    customer = make_customer(phone=PHONE, email=EMAIL)
    said(GRANTED)
    said(REVOKED, kind=ConsentKind.SMS, purpose=SERVICE)

    answer = dispatcher.get(f"/api/v1/customers/{customer.pk}")

    phone, email = answer.json()["contact_methods"]
    assert (phone["service"], phone["marketing"]) == ("revoked", None)
    assert (email["service"], email["marketing"]) == (None, "granted")


def test_words_cost_no_question_per_customer(db, django_assert_num_queries) -> None:
    for n in range(3):
        make_customer(email=f"ada{n}@example.com")
        said(GRANTED, contact=f"ada{n}@example.com")

    with django_assert_num_queries(3):
        shown = list(customers_with_contacts(actor=SYSTEM))
    assert len(shown) == 3


def test_staff_write_down_what_they_are_told(branch, client) -> None:
    client.force_login(make_user(Role.DISPATCHER, locations=[branch]))
    customer = make_customer(email=EMAIL)
    said(GRANTED, now=timezone.now())

    answer = client.post(
        f"/admin/leads/customer/{customer.pk}/do/consent/",
        {
            "contact": EMAIL,
            "purpose": "marketing",
            "answer": "revoked",
            "evidence": "By phone on Monday",
            "version": customer.version,
        },
    )

    assert answer.status_code == 302
    assert not may(MARKETING)
    page = client.get(f"/admin/leads/customer/{customer.pk}/change/")
    assert "advertising: no" in page.content.decode()


def test_two_that_say_the_same_at_once_are_written_once(db) -> None:
    # The turn is taken before the newest word is read.
    asked: list[str] = []
    with connection.execute_wrapper(_noting(asked)):
        said(GRANTED)

    first_read = next(i for i, sql in enumerate(asked) if "consentevent" in sql)
    assert "pg_advisory_xact_lock" in "".join(asked[:first_read])


def _noting(asked: list[str]):
    def note(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    return note
