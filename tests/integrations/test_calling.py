"""One call to a vendor: what goes out, and what each answer means."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import structlog
from django.core.cache import caches
from django.db import transaction

from integrations.connectors.port import Answer
from integrations.models import Connection, ConnectionHealth
from integrations.rules.refusals import (
    Busy,
    CallFailed,
    NoAnswer,
    NotAllowed,
    NotSent,
    Postponed,
    Refused,
)
from integrations.services.calling import caller_for, keeping, wire
from integrations.services.calling.hosts import UntrustedHost, base_url, check_host
from tests.integrations import vendor as vendors
from tests.integrations.conftest import at_once, speak
from tests.integrations.vendor import Reply, connect

pytestmark = pytest.mark.django_db(transaction=True)


def failure(call: Any, *args: Any, **given: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call(*args, **given)
    return caught.value


def health(connection: Connection) -> ConnectionHealth:
    return ConnectionHealth.objects.get(pk=connection.pk)


class TestWhatGoesOut:
    """The request."""

    def test_it_is_proven_named_and_traced(self, vendor) -> None:
        structlog.contextvars.bind_contextvars(request_id="request-1")
        call = caller_for(connect(vendor.url))

        answer = call("POST", "/jobs", params={"a": "ä &"}, json={"name": "Ann"})

        heard = vendor.heard[0]
        structlog.contextvars.clear_contextvars()
        assert answer.status == 200
        assert (heard.method, heard.path) == ("POST", "/jobs?a=%C3%A4+%26")
        assert json.loads(heard.body) == {"name": "Ann"}
        assert heard.headers["authorization"] == "Bearer sk_very_secret"
        assert heard.headers["x-request-id"] == "request-1"
        assert heard.headers["user-agent"] == wire.USER_AGENT

    def test_a_form_goes_as_a_form(self, vendor) -> None:
        caller_for(connect(vendor.url))("POST", "/sms", form={"To": "+1", "Body": "x"})

        heard = vendor.heard[0]
        assert heard.body == b"To=%2B1&Body=x"
        assert heard.headers["content-type"] == "application/x-www-form-urlencoded"

    def test_nobody_is_followed(self, vendor) -> None:
        vendor.replies = [Reply(status=302, headers={"Location": f"{vendor.url}/x"})]

        said = failure(caller_for(connect(vendor.url)), "GET", "/me")

        assert isinstance(said, Busy)
        assert vendor.paths() == ["/me"]

    def test_cookies_are_not_taken_along(self, vendor) -> None:
        vendor.replies = [Reply(json={}, headers={"Set-Cookie": "who=tenant-1"})]
        call = caller_for(connect(vendor.url))

        call("GET", "/a")
        call("GET", "/b")

        assert "cookie" not in vendor.heard[1].headers

    def test_connections_are_kept(self, vendor) -> None:
        call = caller_for(connect(vendor.url))

        for _ in range(3):
            call("GET", "/me")

        assert vendor.opened == 1

    @pytest.mark.parametrize("state", ["paused", "needs_attention"])
    def test_a_vendor_that_is_not_in_use_is_left_alone(self, vendor, state) -> None:
        attention = "Look!" if state == "needs_attention" else ""
        connection = connect(vendor.url, state=state, attention=attention)

        said = failure(caller_for(connection), "GET", "/me")

        assert type(said) is Postponed
        assert not vendor.heard

    def test_no_transaction_is_open_meanwhile(self, vendor) -> None:
        call = caller_for(connect(vendor.url))

        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            call("GET", "/me")

        assert not vendor.heard


CUT = Reply(raw=lambda handler: handler.connection.close())


def _half(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")


class TestWhatAnswersMean:
    """The kinds of refusal."""

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (Reply(status=400), Refused),
            (Reply(status=404), Refused),
            (Reply(status=409), Refused),
            (Reply(status=410), Refused),
            (Reply(status=422), Refused),
            (Reply(status=401), NotAllowed),
            (Reply(status=403), NotAllowed),
            (Reply(status=408), Busy),
            (Reply(status=425), Busy),
            (Reply(status=429), Busy),
            (Reply(status=500), Busy),
            (Reply(status=503, body=b"<html>Down</html>"), Busy),
            (Reply(status=307, headers={"Location": "http://127.0.0.1/"}), Busy),
            (Reply(body=b"<html>Hello</html>"), NoAnswer),
            (Reply(body=b'{"id": 1'), NoAnswer),
            (Reply(body=b"[" * 100_000), NoAnswer),
            (Reply(body=b"1" * (wire.MOST_BYTES + 1)), NoAnswer),
            (CUT, NoAnswer),
            (Reply(raw=_half), NoAnswer),
        ],
    )
    def test_of_a_post(self, vendor, reply, kind) -> None:
        vendor.otherwise = reply

        said = failure(caller_for(connect(vendor.url)), "POST", "/jobs")

        assert type(said) is kind

    @pytest.mark.parametrize("reply", [Reply(body=b"<html>"), CUT, Reply(raw=_half)])
    @pytest.mark.parametrize(
        "call", [{"method": "GET"}, {"method": "DELETE"}, {"may_repeat": True}]
    )
    def test_what_may_be_repeated_is_only_late(self, vendor, reply, call) -> None:
        vendor.replies = [reply]

        said = failure(
            caller_for(connect(vendor.url)), **{"method": "POST", "path": "/"} | call
        )

        assert type(said) is Busy

    def test_nobody_there_is_not_sent(self, vendor) -> None:
        said = failure(caller_for(connect("http://127.0.0.1:9")), "POST", "/jobs")

        assert type(said) is NotSent

    def test_an_empty_answer_is_an_answer(self, vendor) -> None:
        vendor.replies = [Reply(status=204, body=b"")]

        answer = caller_for(connect(vendor.url))("DELETE", "/jobs/1")

        assert answer == Answer(status=204, json=None, headers=answer.headers)

    def test_the_vendors_own_words_are_kept(self, vendor) -> None:
        body = {"code": "bad_phone", "message": "Not a phone."}
        vendor.replies = [Reply(status=422, json=body)]

        said = failure(caller_for(connect(vendor.url)), "POST", "/jobs")

        assert (said.status, said.code) == (422, "bad_phone")
        assert str(said) == "HTTP 422: Not a phone."
        assert json.loads(said.excerpt) == body

    def test_what_it_repeats_of_our_secrets_is_hidden(self, vendor, capsys) -> None:
        message = "No such key: sk_very_secret"
        vendor.replies = [Reply(status=422, json={"message": message})]
        connection = connect(vendor.url)

        said = failure(
            caller_for(connection), "GET", "/me", params={"key": "sk_very_secret"}
        )

        printed = capsys.readouterr()
        assert str(said) == "HTTP 422: No such key: ***"
        assert "secret" not in said.excerpt + printed.out + printed.err

    def test_a_connector_may_judge_for_itself(self, vendor, monkeypatch) -> None:
        speak(monkeypatch, "JudgingConnector")
        vendor.otherwise = Reply(status=403, body=b"")

        said = failure(caller_for(connect(vendor.url)), "GET", "/lists")

        assert type(said) is Busy

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("7", 7),
            ("999999", 3600),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("1e3", None),
            ("Mon, 01 Jan 2001 00:00:00 GMT", None),
            (format_datetime(datetime(2099, 1, 1, tzinfo=UTC), usegmt=True), 3600),
        ],
    )
    def test_a_wait_that_is_asked_for(self, vendor, header, seconds) -> None:
        vendor.replies = [Reply(status=503, headers={"Retry-After": header})]

        said = failure(caller_for(connect(vendor.url)), "GET", "/me")

        wanted = None if seconds is None else timedelta(seconds=seconds)
        assert said.retry_after == wanted

    def test_a_date_is_counted_from_now(self, vendor) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=60)
        headers = {"Retry-After": format_datetime(soon, usegmt=True)}
        vendor.replies = [Reply(status=503, headers=headers)]

        said = failure(caller_for(connect(vendor.url)), "GET", "/me")

        assert said.retry_after is not None
        assert 55 < said.retry_after.total_seconds() <= 60


class TestHosts:
    """Where calls go."""

    def test_production_calls_only_the_vendors_hosts(self, vendor, settings) -> None:
        settings.VENDORS_MAY_BE_ANYWHERE = False

        said = failure(caller_for(connect(vendor.url)), "GET", "/me")

        assert type(said) is NotAllowed
        assert not vendor.heard

    @pytest.mark.parametrize(
        ("url", "fine"),
        [
            ("https://api.vendor.example", True),
            ("https://a.eu.vendor.example/v2", True),
            ("http://api.vendor.example", False),
            ("https://api.vendor.example:8443", False),
            ("https://api.vendor.example@evil.example", False),
            ("https://api.vendor.example.evil.example", False),
            ("https://eu.vendor.example", False),
            ("https://evileu.vendor.example", False),
            ("https://127.0.0.1", False),
            ("file:///etc/passwd", False),
            ("https://[::1", False),
        ],
    )
    def test_which_are_its_own(self, settings, url, fine) -> None:
        settings.VENDORS_MAY_BE_ANYWHERE = False
        refused = False

        try:
            check_host(vendors.FakeConnector(), url=url)
        except UntrustedHost:
            refused = True

        assert refused is not fine

    def test_a_setting_may_be_part_of_the_name(self) -> None:
        connector = vendors.FakeConnector()
        connector.hosts = {"api": "https://{dc}.api.vendor.example/3.0/"}

        url = base_url(connector, given={"dc": "us6"}, host="")
        with pytest.raises(UntrustedHost):
            base_url(connector, given={"dc": "evil.example/"}, host="")

        assert url == "https://us6.api.vendor.example/3.0"


class TestTokens:
    """What is fetched once, and kept."""

    @pytest.fixture(autouse=True)
    def _token(self, vendor, monkeypatch) -> None:
        speak(monkeypatch, "TokenConnector")
        self.given = 0

        def answer(heard: Any) -> Reply:
            if heard.path == "/token":
                self.given += 1
                return Reply(json={"token": f"token-{self.given}"}, wait=0.2)
            fresh = heard.headers["authorization"] == f"Bearer token-{self.given}"
            return Reply(json={}) if fresh else Reply(status=401)

        vendor.otherwise = answer

    def test_it_is_kept_and_never_in_clear(self, vendor) -> None:
        connection = connect(vendor.url)

        for _ in range(3):
            caller_for(connection)("GET", "/me")

        client = caches["default"]._cache.get_client()  # type: ignore[attr-defined]  # Django's own
        stored = b"".join(client.get(key) or b"" for key in client.keys("*kept*"))
        assert vendor.paths() == ["/token", "/me", "/me", "/me"]
        assert stored
        assert b"token-1" not in stored

    @pytest.mark.parametrize("redis_is_there", [True, False])
    def test_ten_at_once_fetch_one(self, vendor, monkeypatch, redis_is_there) -> None:
        if not redis_is_there:
            monkeypatch.setattr(keeping, "_rests_until", time.monotonic() + 60)
        connection = connect(vendor.url)

        at_once(10, lambda: caller_for(connection)("GET", "/me"))

        assert vendor.paths().count("/token") == 1
        assert vendor.paths().count("/me") == 10

    def test_one_that_was_refused_is_renewed_once(self, vendor) -> None:
        connection = connect(vendor.url)
        caller_for(connection)("GET", "/me")
        self.given += 1  # the vendor forgets the first token

        at_once(5, lambda: caller_for(connection)("GET", "/me"))

        assert vendor.paths().count("/token") == 2

    def test_what_is_refused_anew_is_not_tried_for_ever(self, vendor) -> None:
        def answer(heard: Any) -> Reply:
            token = Reply(json={"token": str(time.monotonic())})
            return token if heard.path == "/token" else Reply(status=401)

        vendor.otherwise = answer

        said = failure(caller_for(connect(vendor.url)), "GET", "/me")

        assert type(said) is NotAllowed
        assert vendor.paths() == ["/token", "/me", "/token", "/me"]

    def test_other_credentials_have_other_tokens(self, vendor) -> None:
        connection = connect(vendor.url)
        caller_for(connection)("GET", "/me")
        connection.credentials = json.dumps({"key": "another"})

        caller_for(connection)("GET", "/me")

        assert vendor.paths().count("/token") == 2


class TestTime:
    """How long a call may take."""

    def test_a_byte_now_and_then_does_not_hold_us(self, vendor) -> None:
        def drip(handler: Any) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            for _ in range(40):
                time.sleep(0.1)
                handler.wfile.write(b" ")

        vendor.replies = [Reply(raw=drip)]
        begun = time.monotonic()

        said = failure(caller_for(connect(vendor.url), seconds=1.0), "POST", "/jobs")

        assert type(said) is NoAnswer
        assert time.monotonic() - begun < 2

    def test_all_calls_share_the_time(self, vendor) -> None:
        vendor.otherwise = Reply(json={}, wait=0.4)
        call = caller_for(connect(vendor.url), seconds=0.5)
        call("GET", "/me")

        late = failure(call, "POST", "/jobs")
        too_late = failure(call, "POST", "/jobs")

        assert type(late) is NoAnswer
        assert type(too_late) is NotSent
        assert len(vendor.heard) == 2
