"""What customers hear: what, where, in which words, and what they are spared."""

from typing import Any

import pytest
from django.utils import timezone

from appointments import services
from appointments.rules.states import Status
from core.actors import SYSTEM
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import publish_waiting
from leads.models import ConsentAction, ConsentKind, ContactMethod, Purpose
from leads.services import Word, record_consent
from notifications.models import Channel, Notification, State
from notifications.rules.relevance import Kind
from tests.factories import HOUR, NOW, TOMORROW, local
from tests.notifications.conftest import (
    EMAIL,
    PHONE,
    book,
    cancel,
    make_reachable_company,
    move,
    step,
)
from tests.outside import drain

pytestmark = pytest.mark.django_db


def messages(kind: Kind | None = None) -> list[Any]:
    found = Notification.objects.order_by("created_at", "channel")
    return list(found.filter(kind=kind) if kind else found)


def states() -> list[tuple[str, str, str]]:
    return [
        (message.kind, message.channel, message.state)
        for message in Notification.objects.select_related("delivery").order_by("pk")
    ]


def stop(phone: str) -> None:
    word = Word(
        contact=phone,
        kind=ConsentKind.SMS,
        purpose=Purpose.SERVICE,
        action=ConsentAction.REVOKED,
        source="sms",
        evidence="STOP",
    )
    record_consent(word=word, actor=SYSTEM, now=NOW)


def work() -> None:
    """Let the workers work, on the day of the booking."""
    drain(now=NOW)


class TestWhoHears:
    """One message per event and channel."""

    def test_a_booking_is_confirmed_by_e_mail_and_sms(self, company) -> None:
        book(company)

        work()

        email, sms = messages()
        assert (email.channel, email.recipient) == (Channel.EMAIL, EMAIL)
        assert (sms.channel, sms.recipient) == (Channel.SMS, PHONE)
        assert email.state == sms.state == State.DELIVERED
        assert NOW <= email.sent_at < NOW + HOUR
        assert email.provider_message_id == f"inbox-{email.delivery.key}"

    def test_a_landline_is_told_by_e_mail(self, db) -> None:
        book(make_reachable_company(phone="+442071838750"))

        work()

        assert [message.channel for message in messages()] == [Channel.EMAIL]

    def test_without_an_e_mail_address_the_sms_has_to_do(self, db) -> None:
        book(make_reachable_company(email=None))

        work()

        assert [message.channel for message in messages()] == [Channel.SMS]

    def test_who_cannot_be_reached_leaves_a_row_that_says_so(self, db) -> None:
        book(make_reachable_company(email=None, phone=None))

        work()

        [message] = messages()
        assert message.state == State.SUPPRESSED
        assert "neither" in message.suppressed_because
        assert not OutboxMessage.objects.filter(kind="email").exists()

    def test_only_the_primary_contact_is_told(self, company) -> None:
        customer = company.property.customer
        customer.contact_methods.create(
            kind="email", value="stranger@example.com", is_primary=False
        )
        book(company)

        work()

        assert {message.recipient for message in messages()} == {EMAIL, PHONE}

    def test_a_phone_that_said_stop_is_told_by_e_mail(self, company) -> None:
        stop(PHONE)
        book(company)

        work()

        assert [message.channel for message in messages()] == [Channel.EMAIL]

    def test_a_stop_is_heard_at_the_moment_of_sending(self, company) -> None:
        book(company)
        publish_waiting(budget=HOUR)
        stop(PHONE)

        work()

        email, sms = messages()
        assert (email.state, sms.state) == (State.DELIVERED, State.SUPPRESSED)
        assert sms.suppressed_because == "They asked not to be written to there."

    def test_an_event_heard_twice_is_told_once(self, company) -> None:
        book(company)
        work()
        Event.objects.update(published_at=None)

        work()

        assert len(messages()) == 2

    def test_a_message_that_is_sent_twice_reaches_the_provider_once(
        self, company
    ) -> None:
        book(company)
        work()
        sent = messages()[0].sent_at
        OutboxMessage.objects.update(
            status=OutboxStatus.PENDING, finished_at=None, attempts=0
        )

        drain(now=NOW + HOUR)

        assert messages()[0].sent_at == sent
        assert messages()[0].delivery.status == OutboxStatus.DELIVERED


class TestWhatIsSaid:
    """Words."""

    def test_the_confirmation(self, company) -> None:
        visit = book(company)

        work()

        email, sms = messages()
        promise = "Tuesday, March 2, between 8:00 and 10:00 AM MST"
        assert email.subject == f"Your visit is booked: {promise}"
        assert email.body == (
            "Hello Ada Byron,\n\nyour visit is booked.\n\n"
            f"    AC tune-up\n    {promise}\n    12 Palm Lane, Phoenix\n\n"
            "The technician arrives within that time. "
            "Call +16025550100 if it does not suit you after all.\n\n"
            f"Phoenix Comfort\n+16025550100\nVisit {visit.reference}\n"
        )
        assert sms.body == (
            f"Phoenix Comfort: your AC tune-up is booked for {promise} "
            f"({visit.reference}). Questions? +16025550100"
        )

    def test_the_new_time_names_the_old_one(self, company) -> None:
        move(book(company), hour=10)

        work()

        email, sms = messages(Kind.NEW_TIME)
        new = "Tuesday, March 2, between 10:00 AM and 12:00 PM MST"
        old = "Tuesday, March 2, between 8:00 and 10:00 AM MST"
        assert new in email.subject
        assert f"It was planned for {old}." in email.body
        assert new in sms.body

    def test_the_cancellation(self, company) -> None:
        cancel(book(company))

        work()

        email, sms = messages(Kind.CANCELLATION)
        assert "is cancelled; nobody will come" in email.body
        assert "is cancelled" in sms.body

    def test_who_is_on_the_way(self, company) -> None:
        step(book(company), Status.EN_ROUTE)

        work()

        email, sms = messages(Kind.ON_THE_WAY)
        assert email.subject == "Maria is on the way"
        assert "Maria is on the way to 12 Palm Lane, Phoenix" in sms.body

    def test_thanks_in_the_end(self, company) -> None:
        visit = book(company)
        for to in (Status.EN_ROUTE, Status.ON_SITE, Status.COMPLETED):
            step(visit, to)

        work()

        email, _ = messages(Kind.THANKS)
        assert email.subject == "Thank you: your AC tune-up is done"

    def test_names_are_text_and_not_markup(self, company) -> None:
        company.property.customer.name = "Ada & <Byron>"
        company.property.customer.save()
        book(company)

        work()

        assert "Hello Ada & <Byron>," in messages()[0].body

    def test_a_name_cannot_forge_a_header(self, company) -> None:
        company.service.name = "AC\r\nBcc: everybody@example.com"
        company.service.save()
        visit = book(company)
        for to in (Status.EN_ROUTE, Status.ON_SITE, Status.COMPLETED):
            step(visit, to)

        work()

        subject = messages(Kind.THANKS)[0].subject
        assert "\n" not in subject
        assert "\r" not in subject

    def test_a_text_message_is_short(self, company) -> None:
        visit = move(book(company), hour=10)
        for to in (Status.EN_ROUTE, Status.ON_SITE, Status.COMPLETED):
            step(visit, to)

        work()

        texts = Notification.objects.filter(channel=Channel.SMS)
        assert max(len(message.body) for message in texts) <= 160
        assert all(message.body.isascii() for message in texts)


class TestWhatIsSpared:
    """State is checked again at the moment of sending."""

    def test_a_visit_moved_meanwhile_is_told_once_at_its_new_time(
        self, company
    ) -> None:
        move(book(company), hour=10)

        work()

        assert sorted(states()) == [
            ("confirmation", "email", "suppressed"),
            ("confirmation", "sms", "suppressed"),
            ("new_time", "email", "delivered"),
            ("new_time", "sms", "delivered"),
        ]
        because = {message.suppressed_because for message in messages()}
        assert because == {"", "The visit was moved to another time."}

    def test_a_visit_moved_there_and_back_is_confirmed_as_it_is(self, company) -> None:
        visit = book(company)
        move(visit, hour=10)
        move(visit, hour=8)

        work()

        delivered = [state for state in states() if state[2] == "delivered"]
        assert ("confirmation", "email", "delivered") in delivered
        assert len(messages(Kind.NEW_TIME)) == 4
        assert all("8:00" in m.body for m in messages() if m.state == State.DELIVERED)

    def test_a_cancelled_visit_is_not_confirmed(self, company) -> None:
        cancel(book(company))

        work()

        told = {(kind, state) for kind, _, state in states()}
        assert told == {("confirmation", "suppressed"), ("cancellation", "delivered")}
        spared = OutboxMessage.objects.filter(status=OutboxStatus.CANCELLED)
        assert spared.filter(last_error="The visit is cancelled by now.").count() == 2

    def test_a_technician_who_turned_round_is_not_on_the_way(self, company) -> None:
        visit = book(company)
        step(visit, Status.EN_ROUTE)
        step(visit, Status.SCHEDULED)

        work()

        assert {m.state for m in messages(Kind.ON_THE_WAY)} == {State.SUPPRESSED}

    def test_a_new_technician_alone_is_not_told_of(self, company) -> None:
        visit = book(company)
        work()
        services.unassign(appointment_id=visit.pk, actor=SYSTEM, now=NOW)
        services.reschedule(
            appointment_id=visit.pk,
            starts_at=local(TOMORROW, 8),
            actor=SYSTEM,
            now=NOW,
        )

        work()

        assert {message.kind for message in messages()} == {Kind.CONFIRMATION}

    def test_an_address_that_was_taken_back_is_not_written_to(self, company) -> None:
        book(company)
        publish_waiting(budget=HOUR)
        ContactMethod.objects.filter(value=EMAIL).delete()

        work()

        email, sms = messages()
        assert email.state == State.SUPPRESSED
        assert sms.state == State.DELIVERED

    def test_old_news_is_not_told(self, company) -> None:
        book(company)
        publish_waiting(budget=HOUR)

        drain(now=local(TOMORROW, 10))  # the window has passed

        assert {message.state for message in messages()} == {State.FAILED}
        assert {m.last_error for m in OutboxMessage.objects.filter(kind="sms")} == {
            "Its time had passed."
        }

    def test_steps_that_are_our_own_matter_are_not_told(self, company) -> None:
        visit = book(company)
        work()
        for to in (Status.DISPATCHED, Status.SCHEDULED):
            step(visit, to)

        work()

        assert {message.kind for message in messages()} == {Kind.CONFIRMATION}


def test_what_became_of_a_message_outlives_its_delivery(company) -> None:
    book(company)
    work()

    OutboxMessage.objects.all().delete()

    assert {message.state for message in messages()} == {State.DELIVERED}
    assert timezone.now() > messages()[0].created_at
