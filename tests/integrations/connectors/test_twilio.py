"""Texts through Twilio: sent once, followed to the phone, and answered."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.models.outbox import OutboxStatus
from integrations.connectors.twilio import Twilio
from integrations.models import Connection, ConnectionState, InboundEvent, InboundState
from integrations.sandbox.faults import Kind
from integrations.sandbox.faults import Rule as Fault
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.twilio import ACCOUNT, KEY, NUMBER
from integrations.sandbox.twilio import Twilio as FakeTwilio
from integrations.sandbox.world import World
from integrations.services.calling import caller_for
from integrations.services.connections.inbound import give_new_token, inbound_path
from integrations.services.inbox.processing import process_inbound
from leads.models import ConsentKind, Purpose
from leads.selectors import may_send
from notifications.models import CarrierStatus, Channel, Notification, Reply, State
from notifications.rules.replies import Meaning, meaning_of
from notifications.services import handle_reply
from tests.integrations.sandbox.contract.openapi import assert_matches_openapi
from tests.notifications.conftest import PHONE, book, make_reachable_company
from tests.outside import drain, skip_waiting

PROVIDER = "integrations.services.texting.TwilioProvider"


@pytest.fixture
def world(settings) -> Iterator[Running]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    alone = World(pace=0.01, vendors={"twilio": FakeTwilio()})
    with running_world(world=alone) as world:
        yield world


@pytest.fixture
def connection(world, settings, live_server) -> Connection:
    """Connect the account that texts go through, and have it call us back."""
    settings.NOTIFICATION_PROVIDERS = settings.NOTIFICATION_PROVIDERS | {
        "sms": PROVIDER
    }
    settings.PUBLIC_BASE_URL = live_server.url
    url = world.at("twilio")
    made = Connection(
        vendor="twilio",
        name="Texts",
        settings={
            "hosts": {"api": url, "lookups": url},
            "account_sid": ACCOUNT,
            "from_number": NUMBER,
        },
        credentials=json.dumps({"auth_token": KEY}),
        calls_per_second=1000,
    )
    give_new_token(made)
    made.save()
    world.world.act(
        "twilio", "set_webhook", {"url": live_server.url + inbound_path(made)}
    )
    return made


pytestmark = pytest.mark.django_db(transaction=True)


def confirm() -> Any:
    """Book a visit, and have its confirmation written and sent."""
    book(make_reachable_company(email=None))
    drain()
    return the_text()


def the_text() -> Any:
    """Return it as it stands; a test knows whether it has a delivery."""
    return Notification.objects.select_related("delivery").get(channel=Channel.SMS)


def sent(world: Running) -> list[dict[str, str]]:
    """Return what the account holds of messages to the customer."""
    kept = world.world.places["twilio"].vendor.state()["messages"]
    return [message for message in kept if message["to"] == PHONE]


def fault(world: Running, kind: Kind, **given: Any) -> None:
    world.world.places["twilio"].faults.put(Fault(kind=kind, **given))


def hear(world: Running) -> list[str]:
    """Let the account's callbacks arrive, and take them in; return what became."""
    world.world.places["twilio"].sender.wait_until_idle()
    for event in InboundEvent.objects.filter(state=InboundState.RECEIVED):
        process_inbound(event_id=event.pk, now=timezone.now())
    return list(InboundEvent.objects.order_by("pk").values_list("state", flat=True))


# --- Out ------------------------------------------------------------------------


def test_a_text_is_sent_in_its_words(world, connection) -> None:
    message = confirm()

    (there,) = sent(world)
    assert there["body"] == message.body
    assert message.state == State.DELIVERED
    assert message.provider_message_id == there["sid"]


def test_a_lost_answer_sends_nothing_twice(world, connection) -> None:
    """Twilio sends twice what it is asked twice: so it is looked for."""
    fault(world, Kind.CUT_AFTER, count=1, method="POST")

    message = confirm()
    assert message.sent_at is None
    assert message.delivery.last_outcome == "unknown"
    skip_waiting()
    drain()

    (there,) = sent(world)
    assert the_text().provider_message_id == there["sid"]


def test_a_text_that_never_left_is_sent_after_the_look(world, connection) -> None:
    fault(world, Kind.CUT_BEFORE, count=1, method="POST")

    confirm()
    assert sent(world) == []
    skip_waiting()
    drain()

    assert len(sent(world)) == 1


@pytest.mark.parametrize(
    ("nature", "code"), [("landline", "21614"), ("opted_out", "21610")]
)
def test_what_twilio_refuses_is_given_up(world, connection, nature, code) -> None:
    world.world.act("twilio", "describe_number", {"number": PHONE, "nature": nature})

    message = confirm()

    assert message.state == State.FAILED
    assert message.delivery.status == OutboxStatus.DEAD
    assert sent(world) == []
    opted_out = code == "21610"
    assert may_text() is not opted_out


def may_text() -> bool:
    return may_send(contact=PHONE, kind=ConsentKind.SMS, purpose=Purpose.SERVICE)


def test_landlines_are_looked_up_where_that_is_wished(world, connection) -> None:
    connection.settings |= {"look_up_numbers": "yes"}
    connection.save()
    world.world.act(
        "twilio", "describe_number", {"number": PHONE, "nature": "landline"}
    )

    message = confirm()

    assert "landline" in message.delivery.last_error
    assert sent(world) == []


def test_a_refused_key_stops_all_until_a_person_has_looked(world, connection) -> None:
    world.world.act("twilio", "replace_key", {"key": "another-key-than-we-have"})

    message = confirm()

    connection.refresh_from_db()
    assert connection.state == ConnectionState.NEEDS_ATTENTION
    assert (message.delivery.status, message.delivery.attempts) == ("pending", 0)


def test_more_than_it_takes_at_once_comes_later(world, connection) -> None:
    fault(world, Kind.THROTTLE, count=1)

    message = confirm()
    assert message.delivery.status == OutboxStatus.PENDING
    skip_waiting()
    drain()

    assert len(sent(world)) == 1


def test_what_is_sent_is_what_the_vendor_describes(world, connection) -> None:
    confirm()

    account = world.world.places["twilio"].vendor._account
    (there,) = (message for message in account.messages if message.to == PHONE)
    assert there.callback_url.endswith(inbound_path(connection))
    form = {
        "To": there.to,
        "From": there.from_,
        "Body": there.body,
        "StatusCallback": there.callback_url,
    }
    assert_matches_openapi(
        "twilio", "POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", form
    )


def test_a_connection_can_be_tried_out(world, connection) -> None:
    said = Twilio().check(caller_for(connection))

    assert said.startswith("The account answers")
    assert sent(world) == []


# --- What comes back ------------------------------------------------------------


def test_a_text_is_followed_to_the_phone(world, connection) -> None:
    confirm()

    states = hear(world)

    assert set(states) <= {InboundState.PROCESSED, InboundState.STALE}
    assert the_text().carrier_status == CarrierStatus.DELIVERED


def test_a_text_that_did_not_arrive_shows_as_failed(world, connection) -> None:
    world.world.act(
        "twilio", "describe_number", {"number": PHONE, "nature": "unreachable"}
    )
    confirm()

    hear(world)

    message = the_text()
    assert message.state == State.FAILED
    assert message.carrier_error.startswith("Carrier code 300")
    assert message in Notification.objects.in_state(State.FAILED)
    assert message not in Notification.objects.in_state(State.DELIVERED)


def test_an_older_callback_moves_nothing_back(world, connection) -> None:
    fault(world, Kind.DISORDERED_CALLBACKS)
    fault(world, Kind.DUPLICATE_CALLBACKS, times=3)
    confirm()

    hear(world)

    assert the_text().carrier_status == CarrierStatus.DELIVERED


def test_a_callback_that_is_faster_than_our_row_waits(world, connection) -> None:
    confirm()
    Notification.objects.update(provider_message_id="")
    hear(world)
    waiting = InboundEvent.objects.filter(state=InboundState.RECEIVED)
    assert waiting.exists()
    assert set(waiting.values_list("attempts", flat=True)) == {0}

    InboundEvent.objects.update(
        received_at=timezone.now() - timedelta(minutes=5),
        next_attempt_at=timezone.now() - timedelta(minutes=1),
    )
    assert set(hear(world)) == {InboundState.IGNORED}


@pytest.mark.parametrize("words", ["STOP", "stop.", " Unsubscribe ", "opt out", "END!"])
def test_stop_ends_all_texts_at_once(world, connection, words) -> None:
    world.world.act("twilio", "text", {"sender": PHONE, "body": words})
    hear(world)

    reply = Reply.objects.get()
    assert reply.meaning == Meaning.STOP
    assert reply.handled_at is not None
    assert not may_text()
    book(make_reachable_company(email=None))
    drain()
    assert sent(world) == []


def test_start_lets_texts_about_visits_go_again(world, connection) -> None:
    for words in ("STOP", "START"):
        world.world.act("twilio", "text", {"sender": PHONE, "body": words})
        hear(world)

    assert may_text()
    marketing = Purpose.MARKETING
    assert not may_send(contact=PHONE, kind=ConsentKind.SMS, purpose=marketing)


def test_cancel_stops_texts_and_waits_for_a_dispatcher(world, connection) -> None:
    company = make_reachable_company()
    world.world.act("twilio", "text", {"sender": PHONE, "body": "CANCEL"})
    hear(world)

    reply = Reply.objects.get()
    assert (reply.meaning, reply.handled_at) == (Meaning.CANCEL, None)
    assert reply.customer == company.property.customer
    assert not may_text()


def test_a_sentence_waits_for_a_person(world, connection) -> None:
    body = "Please stop by the back door \N{SMILING FACE WITH SMILING EYES}"
    world.world.act("twilio", "text", {"sender": PHONE, "body": body})
    hear(world)
    hear(world)

    reply = Reply.objects.get()
    assert (reply.body, reply.meaning, reply.handled_at) == (body, Meaning.OTHER, None)
    assert may_text()

    for _ in range(2):
        handle_reply(reply_id=reply.pk, actor=SYSTEM, now=timezone.now())
    reply.refresh_from_db()
    assert reply.handled_by == "system"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", Meaning.STOP),
        ("  stop\n", Meaning.STOP),
        ("«Stop»", Meaning.STOP),
        ("Stop All", Meaning.STOP),
        ("QUIT", Meaning.STOP),
        ("end", Meaning.STOP),
        ("Revoke", Meaning.STOP),
        ("OptOut", Meaning.STOP),
        ("opt-out", Meaning.STOP),
        ("UNSUBSCRIBE.", Meaning.STOP),
        ("Cancel", Meaning.CANCEL),
        ("UNSTOP", Meaning.START),
        ("Help?", Meaning.HELP),
        ("Can't stop now", Meaning.OTHER),
        ("The end of the road on the left", Meaning.OTHER),
        ("please cancel", Meaning.OTHER),
        ("", Meaning.OTHER),
        ("\N{THUMBS UP SIGN}", Meaning.OTHER),
    ],
)
def test_only_a_word_that_stands_alone_is_a_command(text, meaning) -> None:
    assert meaning_of(text) == meaning
