"""Mailchimp: members by consent, tags, and what callbacks lead to."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.connectors.mailchimp import Mailchimp
from integrations.connectors.mailchimp.members import hash_of
from integrations.connectors.port import Known
from integrations.models import (
    Connection,
    ExternalLink,
    FieldMapping,
    InboundEvent,
    InboundState,
    PollCursor,
    SyncConflict,
)
from integrations.rules.mapping import Rule, body_of
from integrations.rules.refusals import Busy, NotAllowed, NotYet, Refused
from integrations.rules.things import Inbound, Remote, Thing
from integrations.sandbox.faults import Kind
from integrations.sandbox.faults import Rule as Fault
from integrations.sandbox.mailchimp import KEY, LIST
from integrations.sandbox.mailchimp import Mailchimp as FakeMailchimp
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.world import World
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import poll_connection, tell
from integrations.services.sync.applying.members import apply
from leads.models import (
    ConsentAction,
    ConsentEvent,
    ConsentKind,
    Customer,
    Purpose,
)
from leads.selectors import may_send
from tests.factories import HOUR, NOW, make_customer
from tests.integrations.connectors.calls import Recorder, connect
from tests.integrations.sandbox.contract.openapi import assert_matches_openapi
from tests.leads.test_consents import said
from tests.outside import drain

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"
AT = f"/3.0/lists/{LIST}/members"
CONNECTOR = Mailchimp()


@pytest.fixture
def world(settings) -> Iterator[Running]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    alone = World(pace=0.01, vendors={"mailchimp": FakeMailchimp()})
    with running_world(world=alone) as world:
        yield world


@pytest.fixture
def connection(world) -> Connection:
    return connect(
        "mailchimp",
        world.at("mailchimp"),
        key=KEY,
        dc="us21",
        list_id=LIST,
        tag="Fieldbook",
    )


@pytest.fixture
def call(connection) -> Recorder:
    return Recorder(connection)


def ada(*, kind: str = "customer", **given: Any) -> Thing:
    fields = {
        "first_name": "Ada",
        "last_name": "Byron",
        "email": EMAIL,
        "phone": "+16025550142",
        "email_marketing": "",
    }
    return Thing(kind=kind, id=uuid4(), reference="r1", fields=fields | given)


def body(thing: Thing) -> dict[str, Any]:
    """Return the thing's body by the mapping that a connection begins with."""
    rules = [
        Rule(kind=row.kind, field=row.field, remote=row.remote, choices=row.choices)
        for row in CONNECTOR.mapping
        if row.kind == thing.kind
    ]
    return body_of(rules, thing.fields)


def create(call: Recorder, thing: Thing) -> Remote:
    return CONNECTOR.create(call, thing, Known(), body(thing))


def update(call: Recorder, thing: Thing, remote: Remote, *changed: str) -> Any:
    known = Known(ids={remote.remote_type: remote.remote_id})
    return CONNECTOR.update(call, thing, known, body(thing), frozenset(changed))


def status(call: Recorder, email: str = EMAIL) -> str:
    answer = call("GET", f"{AT}/{hash_of(email)}")
    found: str = answer.json["status"]
    return found


def fault(world: Running, **given: Any) -> None:
    world.world.places["mailchimp"].faults.put(Fault(count=1, **given))


def act(world: Running, name: str, **arguments: Any) -> None:
    world.world.act("mailchimp", name, arguments)


# --- Consent ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [("granted", "subscribed"), ("revoked", "transactional"), ("", "transactional")],
)
def test_a_member_is_subscribed_only_with_recorded_consent(call, word, expected):
    remote = create(call, ada(email_marketing=word))

    assert status(call) == expected
    assert remote.fields["status"] == expected
    [sent] = call.sent("PUT")
    assert "status" not in sent
    assert_matches_openapi("mailchimp", "PUT", call.made[0].path, sent)


def test_with_double_opt_in_the_person_is_asked(call) -> None:
    call.settings["double_opt_in"] = "yes"

    create(call, ada(email_marketing="granted"))

    assert status(call) == "pending"


def test_an_unsubscribe_there_survives_all_that_we_tell(call, world) -> None:
    thing = ada(email_marketing="granted")
    remote = create(call, thing)
    act(world, "unsubscribe", email=EMAIL)

    update(call, ada(email_marketing="granted", first_name="A."), remote, "first_name")
    update(call, ada(email_marketing="granted"), remote, "email_marketing")
    create(call, ada(email_marketing="granted"))

    assert status(call) == "unsubscribed"
    assert all("status" not in sent for sent in call.sent("PATCH"))


def test_a_no_of_ours_unsubscribes_there(call) -> None:
    remote = create(call, ada(email_marketing="granted"))

    update(call, ada(email_marketing="revoked"), remote, "email_marketing")

    assert status(call) == "unsubscribed"
    assert {"status": "unsubscribed"} in call.sent("PATCH")
    assert_matches_openapi(
        "mailchimp", "PATCH", f"{AT}/{hash_of(EMAIL)}", {"status": "unsubscribed"}
    )


def test_a_known_contact_that_agrees_later_is_asked_only_where_we_may(call) -> None:
    remote = create(call, ada())

    update(call, ada(email_marketing="granted"), remote, "email_marketing")
    assert status(call) == "transactional"

    call.settings["confirm_known_contacts"] = "yes"
    update(call, ada(email_marketing="granted"), remote, "email_marketing")
    assert status(call) == "pending"


def test_a_subscription_does_not_move_to_an_address_that_never_agreed(call) -> None:
    remote = create(call, ada(email_marketing="granted"))

    with pytest.raises(Refused, match="has not agreed"):
        update(call, ada(email="ada@king.example"), remote, "email")
    assert status(call) == "subscribed"


def test_a_changed_address_is_the_same_member(call) -> None:
    remote = create(call, ada())

    moved = update(call, ada(email="ada@king.example"), remote, "email")

    assert moved.remote_id == remote.remote_id
    assert moved.fields["email"] == "ada@king.example"
    assert status(call, "ada@king.example") == "transactional"


# --- What is told -------------------------------------------------------------


def test_twice_is_as_good_as_once(call) -> None:
    first = create(call, ada())

    assert create(call, ada()).remote_id == first.remote_id


def test_after_an_answer_got_lost_it_is_tried_again_and_is_one_member(call, world):
    fault(world, kind=Kind.CUT_AFTER, method="PUT")
    with pytest.raises(Busy):
        create(call, ada())

    found = CONNECTOR.find(call, ada(), Known())

    assert found == create(call, ada())


def test_merge_fields_follow_the_mapping_and_half_addresses_stay_home(call) -> None:
    create(call, ada(line1="1 Elm St", city="", region="AZ", postal_code="85004"))
    create(call, ada(line1="1 Elm St", city="X", region="AZ", postal_code="85004"))

    half, whole = call.sent("PUT")
    assert half["merge_fields"] == {
        "FNAME": "Ada",
        "LNAME": "Byron",
        "PHONE": "+16025550142",
    }
    assert whole["merge_fields"]["ADDRESS"]["addr1"] == "1 Elm St"
    assert not {"tags", "consent"} & set(whole)


def test_a_blank_only_replaces_what_they_had_from_us(call) -> None:
    remote = create(call, ada())
    ids = {remote.remote_type: remote.remote_id}
    known = Known(ids=ids, agreed={"phone": "+16025550142"})
    blank = ada(phone="", last_name="")

    CONNECTOR.update(call, blank, known, body(blank), frozenset({"phone"}))

    assert call.sent("PATCH")[0]["merge_fields"] == {"FNAME": "Ada", "PHONE": ""}


def test_tags_say_what_they_asked_for(call) -> None:
    create(call, ada(kind="lead", service="tune-up", source="website"))

    [sent] = call.sent("POST", "/tags")
    assert [tag["name"] for tag in sent["tags"]] == [
        "Fieldbook",
        "lead",
        "tune-up",
        "website",
    ]
    assert_matches_openapi("mailchimp", "POST", f"{AT}/{hash_of(EMAIL)}/tags", sent)


def test_who_has_no_address_need_not_be_told(call) -> None:
    with pytest.raises(NotYet):
        create(call, ada(email=""))
    assert call.made == []


def test_a_lead_and_its_customer_may_be_one_member_by_two_links(call) -> None:
    lead, customer = create(call, ada(kind="lead")), create(call, ada())

    assert lead.remote_id == customer.remote_id
    assert lead.remote_type != customer.remote_type


def test_a_member_that_was_deleted_there_is_made_anew(call) -> None:
    gone = Remote(kind="member", remote_type="member", remote_id="0" * 32)

    update(call, ada(first_name="Augusta"), gone, "first_name")

    assert status(call) == "transactional"


# --- What goes wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"kind": Kind.THROTTLE, "retry_after": "none"}, Busy),
        ({"kind": Kind.ERROR, "status": 503}, Busy),
        ({"kind": Kind.HTML}, Busy),
        ({"kind": Kind.HTML, "status": 403}, Busy),
        ({"kind": Kind.HTML, "status": 200}, Busy),
        ({"kind": Kind.TRUNCATED}, Busy),
        ({"kind": Kind.GARBAGE}, Busy),
        ({"kind": Kind.CUT_BEFORE}, Busy),
        ({"kind": Kind.CUT_AFTER}, Busy),
        ({"kind": Kind.UNAUTHORIZED}, NotAllowed),
    ],
)
def test_each_failure_is_what_it_means(call, world, given, expected) -> None:
    fault(world, method="PUT", **given)

    with pytest.raises(expected):
        create(call, ada())


@pytest.mark.parametrize(
    ("status", "title", "expected"),
    [
        (403, "Compliance Related", Refused),
        (403, "User Disabled", None),
        (400, "Member In Compliance State", None),
        (400, "Forgotten Email Not Subscribed", None),
    ],
)
def test_what_is_about_one_member_says_nothing_of_our_key(status, title, expected):
    body = {"title": title, "detail": "No."}

    assert CONNECTOR.kind_of(status, body) is expected
    assert CONNECTOR.failure_of(status, body) == (title, f"{title}; No.")


def test_a_wrong_key_is_not_allowed(call) -> None:
    call.caller.credentials = {"api_key": "wrong-us21"}

    with pytest.raises(NotAllowed):
        CONNECTOR.check(call)


def test_check_names_the_audience(call) -> None:
    assert "Audience" in CONNECTOR.check(call)


# --- What comes in ------------------------------------------------------------


def callback(kind: str, email: str = EMAIL, **more: str) -> Inbound:
    form = {"type": kind, "data[list_id]": LIST, "data[email]": email, **more}
    return Inbound(
        event_type=kind, headers={}, body=urlencode(form).encode(), occurred_at=NOW
    )


def test_a_callback_is_read_again_before_it_is_believed(call) -> None:
    create(call, ada(email_marketing="granted"))

    [remote] = CONNECTOR.read(call, callback("unsubscribe"))

    assert remote.fields["status"] == "subscribed"  # the callback was forged


def test_a_true_unsubscribe_is_read(call, world) -> None:
    create(call, ada(email_marketing="granted"))
    act(world, "unsubscribe", email=EMAIL)

    [remote] = CONNECTOR.read(call, callback("unsubscribe"))

    assert (remote.kind, remote.fields["status"]) == ("member", "unsubscribed")


def test_of_a_member_that_is_gone_only_a_no_is_believed(call) -> None:
    [gone] = CONNECTOR.read(call, callback("unsubscribe"))

    assert (gone.is_gone, gone.fields["status"]) == (True, "unsubscribed")
    assert CONNECTOR.read(call, callback("profile")) == []


@pytest.mark.parametrize(
    "event",
    [
        callback("campaign"),
        callback("unsubscribe", **{"data[list_id]": "another"}),
        callback("unsubscribe", email=""),
        Inbound(event_type="", headers={}, body=b"\xff{}"),
    ],
)
def test_what_is_not_about_our_members_is_nothing(call, event) -> None:
    assert CONNECTOR.read(call, event) == []
    assert call.made == []


def test_a_poll_finds_who_changed_since(call, world) -> None:
    create(call, ada(email_marketing="granted"))
    first = CONNECTOR.poll(call, "members", "")
    assert [one.fields["email"] for one in first.remotes] == [EMAIL]
    assert not first.has_more

    act(world, "unsubscribe", email=EMAIL)
    again = CONNECTOR.poll(call, "members", first.cursor)

    assert [one.fields["status"] for one in again.remotes] == ["unsubscribed"]
    assert_matches_openapi("mailchimp", "GET", call.made[-1].path)


def test_a_poll_reads_page_after_page(call, monkeypatch) -> None:
    monkeypatch.setattr("integrations.connectors.mailchimp.members._PAGE", 2)
    for n in range(3):
        create(call, ada(email=f"ada{n}@example.com"))

    first = CONNECTOR.poll(call, "members", "")
    second = CONNECTOR.poll(call, "members", first.cursor)

    assert (len(first.remotes), first.has_more) == (2, True)
    assert (len(second.remotes), second.has_more) == (1, False)


def member(**given: Any) -> Remote:
    fields = {"email": EMAIL, "status": "unsubscribed", "reason": "N/A"}
    at = given.pop("changed_at", NOW)
    return Remote(
        kind="member",
        remote_type="member",
        remote_id="m1",
        fields=fields | given,
        changed_at=at,
    )


def taken_in(connection: Connection, remote: Remote) -> InboundState:
    return apply(
        connection=connection, remote=remote, inbound=None, now=NOW + HOUR
    ).state


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned"])
def test_an_unsubscribe_is_a_no_from_then_on(connection, status) -> None:
    said(ConsentAction.GRANTED, now=NOW - HOUR)

    state = taken_in(connection, member(status=status))

    assert state == InboundState.PROCESSED
    word = ConsentEvent.objects.get(action=ConsentAction.REVOKED)
    assert (word.source, word.at) == ("mailchimp", NOW)
    assert status in word.evidence
    assert not may_send(
        contact=EMAIL, kind=ConsentKind.EMAIL, purpose=Purpose.MARKETING
    )
    assert Event.objects.filter(name="consent.revoked").count() == 1


def test_the_same_no_again_is_nothing_new(connection) -> None:
    taken_in(connection, member())

    assert taken_in(connection, member()) == InboundState.IGNORED
    assert ConsentEvent.objects.count() == 1


def test_a_yes_said_since_stands(connection) -> None:
    said(ConsentAction.GRANTED, now=NOW + HOUR)

    assert taken_in(connection, member()) == InboundState.STALE
    assert ConsentEvent.objects.count() == 1


@pytest.mark.parametrize("status", ["subscribed", "transactional", "archived"])
def test_a_yes_there_is_not_taken_in(connection, status) -> None:
    assert taken_in(connection, member(status=status)) == InboundState.IGNORED
    assert not ConsentEvent.objects.exists()


def test_another_address_there_is_flagged_once(connection) -> None:
    customer = make_customer(email=EMAIL)
    ExternalLink.objects.create(
        connection=connection,
        object_type="customer",
        object_id=customer.pk,
        remote_type="member",
        remote_id="m1",
        agreed={"email": EMAIL},
    )
    moved = member(email="ada@king.example", status="subscribed")

    for _ in range(2):
        taken_in(connection, moved)

    conflict = SyncConflict.objects.get()
    assert (conflict.field, conflict.theirs) == ("email", "ada@king.example")
    assert customer.contact_methods.get().value == EMAIL


# --- Through the house --------------------------------------------------------


@pytest.fixture
def mapped(connection: Connection) -> Connection:
    """Give the connection the mapping that it begins with."""
    for row in CONNECTOR.mapping:
        FieldMapping.objects.create(
            connection=connection,
            object_type=row.kind,
            field=row.field,
            remote=row.remote,
            direction=row.direction,
        )
    return connection


def poll(connection: Connection) -> list[InboundEvent]:
    """Ask what is new, and take it in."""
    PollCursor.objects.update(polled_at=None)
    poll_connection(connection_id=connection.pk, now=NOW, budget=timedelta(seconds=20))
    found = list(InboundEvent.objects.filter(state=InboundState.RECEIVED))
    for event in found:
        process_inbound(event_id=event.pk, now=NOW)
    return found


def test_a_yes_makes_the_customer_a_subscriber(mapped, call) -> None:
    """Consent is an event like any other: the outbox carries it."""
    make_customer(name="Ada Byron", email=EMAIL)

    said(ConsentAction.GRANTED)
    drain(now=NOW)

    assert status(call) == "subscribed"

    said(ConsentAction.REVOKED, now=NOW + HOUR)
    drain(now=NOW + HOUR)

    assert status(call) == "unsubscribed"


def test_an_unsubscribe_that_no_webhook_told_is_found_by_polling(
    mapped, call, world
) -> None:
    customer = make_customer(name="Ada Byron", email=EMAIL)
    said(ConsentAction.GRANTED, now=timezone.now() - HOUR)
    drain(now=timezone.now())
    assert poll(mapped) == []  # what we told ourselves is no news

    act(world, "unsubscribe", email=EMAIL)
    assert len(poll(mapped)) == 1
    assert poll(mapped) == []

    word = ConsentEvent.objects.get(action=ConsentAction.REVOKED)
    assert word.customer == customer


def test_a_second_no_is_heard_after_a_second_yes(mapped, call, world) -> None:
    create(call, ada(email_marketing="granted"))
    act(world, "unsubscribe", email=EMAIL)
    poll(mapped)
    said(ConsentAction.GRANTED, now=timezone.now())
    act(world, "subscribe", email=EMAIL)
    poll(mapped)

    time.sleep(1.1)  # they tell the time by the second
    act(world, "unsubscribe", email=EMAIL)
    poll(mapped)

    assert ConsentEvent.objects.filter(action=ConsentAction.REVOKED).count() == 2


def test_a_household_with_one_e_mail_is_one_member(mapped, call) -> None:
    for name in ("Ada Byron", "William King"):
        make_customer(name=name, email=EMAIL)
    for customer in Customer.objects.order_by("name"):
        with transaction.atomic():
            tell(connection=mapped, kind="customer", object_id=customer.pk)

    drain(now=timezone.now())

    states = set(OutboxMessage.objects.values_list("status", flat=True))
    assert OutboxStatus.DEAD not in states
    assert ExternalLink.objects.exclude(remote_id="").count() == 1
