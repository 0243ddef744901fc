"""Twilio's own client takes our Twilio for the real one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from integrations.sandbox.twilio import ACCOUNT, KEY, NUMBER
from tests.integrations.sandbox.contract.conftest import Heard, settled

PERSON = "+15558675310"


class Diverted:
    """Calls the sandbox in place of Twilio's hosts."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.real = TwilioHttpClient()

    def request(self, method: str, url: str, *args: Any, **given: Any) -> Any:
        for host in ("https://api.twilio.com", "https://lookups.twilio.com"):
            url = url.replace(host, self.base)
        return self.real.request(method, url, *args, **given)


@pytest.fixture
def client(world) -> Client:
    return Client(ACCOUNT, KEY, http_client=Diverted(world.at("twilio")))


def is_signed(heard: Heard) -> bool:
    form = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
    signature = heard.headers["X-Twilio-Signature"]
    return bool(RequestValidator(KEY).validate(heard.url, form, signature))


def forms(heard: list[Heard]) -> list[dict[str, str]]:
    return [dict(parse_qsl(each.body.decode())) for each in heard]


def test_a_message_is_sent_and_its_way_is_told(client, world, listener) -> None:
    sent = client.messages.create(
        to=PERSON, from_=NUMBER, body="On our way", status_callback=listener.url
    )
    settled(world, "twilio")

    assert sent.status == "queued"
    assert all(map(is_signed, listener.heard))
    told = [form["MessageStatus"] for form in forms(listener.heard)]
    assert told == ["sending", "sent", "delivered"]
    read = client.messages(sent.sid).fetch()
    assert (read.status, read.body) == ("delivered", "On our way")
    assert read.date_sent is not None


def test_a_changed_callback_is_not_signed(client, world, listener) -> None:
    client.messages.create(
        to=PERSON, from_=NUMBER, body="x", status_callback=listener.url
    )
    settled(world, "twilio")

    told = listener.heard[-1]
    forged = told.body.replace(b"delivered", b"failed")
    assert not is_signed(Heard(**{**vars(told), "body": forged}))


def test_who_says_stop_is_written_to_no_more(client, world, listener) -> None:
    [number] = client.incoming_phone_numbers.list(phone_number=NUMBER)
    number.update(sms_url=listener.url)

    words = {"sender": PERSON, "body": "Stop ", "media": ["https://x.test/é"]}
    world.world.act("twilio", "text", words)
    settled(world, "twilio")

    assert is_signed(listener.heard[0])
    assert forms(listener.heard)[0]["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=PERSON, from_=NUMBER, body="x")
    assert (refused.value.status, refused.value.code) == (400, 21610)


def test_messages_are_listed_since_a_time(client) -> None:
    sids = [
        client.messages.create(to=PERSON, from_=NUMBER, body=f"{number}").sid
        for number in range(5)
    ]
    before = datetime.now(UTC) - timedelta(minutes=1)

    found = client.messages.list(to=PERSON, date_sent_after=before, page_size=2)
    later = client.messages.list(date_sent_after=before + timedelta(hours=1))

    assert [message.sid for message in found] == sids[::-1]
    assert later == []


def test_a_message_is_deleted(client) -> None:
    sid = client.messages.create(to=PERSON, from_=NUMBER, body="x").sid

    assert client.messages(sid).delete()

    with pytest.raises(TwilioRestException) as gone:
        client.messages(sid).fetch()
    assert gone.value.code == 20404


def test_a_number_is_looked_up(client, world) -> None:
    nature = {"number": PERSON, "nature": "landline"}
    world.world.act("twilio", "describe_number", nature)

    found = client.lookups.v2.phone_numbers(PERSON).fetch(
        fields="line_type_intelligence"
    )

    assert found.valid
    assert found.line_type_intelligence["type"] == "landline"


def test_another_key_is_refused(world) -> None:
    stranger = Client(ACCOUNT, "x", http_client=Diverted(world.at("twilio")))

    with pytest.raises(TwilioRestException) as refused:
        stranger.api.accounts(ACCOUNT).fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)
