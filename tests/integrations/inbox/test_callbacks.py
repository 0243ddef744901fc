"""The door for vendors, over real HTTP: what is true is stored, all else is not."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db import connection as database
from prometheus_client import REGISTRY

from integrations.models import Connection, ConnectionState, InboundEvent, Vendor
from integrations.services.inbox import body_of
from tests.integrations.inbox.callers import (
    FORM,
    SECRET,
    Call,
    Heard,
    customer_changed,
    housecallpro,
    mailchimp,
    make_connection,
    path_of,
    send,
    servicetitan,
    stripe,
    twilio,
)

pytestmark = pytest.mark.django_db(transaction=True)

PAID = {
    "id": "evt_1",
    "object": "event",
    "created": int(time.time()),
    "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_1"}},
}
DISPATCHED = {"eventId": "e1", "eventType": "job.updated", "data": {"id": 41000001}}
LEFT = {
    "type": "unsubscribe",
    "fired_at": "2026-11-20 10:00:00",
    "data[list_id]": "l1",
    "data[email]": "ada@example.com",
}
DELIVERED = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+16025550101"}
PUBLIC = "https://api.fieldbook.example"


@pytest.fixture
def base(live_server, settings) -> str:
    settings.PUBLIC_BASE_URL = PUBLIC
    return str(live_server.url)


def good(connection: Connection) -> Call:
    """Return a callback of the connection's vendor, as it should be."""
    if connection.vendor == Vendor.TWILIO:
        return twilio(DELIVERED, url=PUBLIC + path_of(connection))
    return {
        Vendor.STRIPE: lambda: stripe(PAID),
        Vendor.HOUSECALLPRO: lambda: housecallpro(customer_changed()),
        Vendor.SERVICETITAN: lambda: servicetitan(DISPATCHED),
        Vendor.MAILCHIMP: lambda: mailchimp(LEFT),
    }[Vendor(connection.vendor)]()


def counted(vendor: str, outcome: str) -> float:
    labels = {"vendor": vendor, "outcome": outcome}
    return REGISTRY.get_sample_value("fieldbook_callbacks_total", labels) or 0.0


SIGNING = [Vendor.STRIPE, Vendor.HOUSECALLPRO, Vendor.SERVICETITAN, Vendor.TWILIO]
ALL = [*SIGNING, Vendor.MAILCHIMP]


class TestWhatIsTrue:
    """A good callback is stored, and answered as its vendor wants it."""

    @pytest.mark.parametrize(
        ("vendor", "status", "kind", "about", "key"),
        [
            (Vendor.STRIPE, 202, PAID["type"], "cs_1", "evt_1"),
            (Vendor.HOUSECALLPRO, 202, "customer.updated", "cus_1", "sha256:"),
            (Vendor.SERVICETITAN, 202, "job.updated", "41000001", "sha256:"),
            (Vendor.TWILIO, 200, "message.delivered", "SM1", "SM1|delivered|"),
            (Vendor.MAILCHIMP, 200, "unsubscribe", "ada@example.com", "sha256:"),
        ],
    )
    def test_is_stored_byte_for_byte(
        self, base, hints, vendor, status, kind, about, key
    ) -> None:
        connection = make_connection(vendor)
        call = good(connection)

        heard = send(base, path_of(connection), call)

        event = InboundEvent.objects.get()
        assert heard.status == status
        assert event.connection_id == connection.pk
        assert (event.event_type, event.external_id) == (kind, about)
        assert event.dedupe_key.startswith(key)
        assert body_of(event) == call.body
        assert event.state == "received"
        assert event.request_id == heard.headers["x-request-id"]
        assert hints == [("integrations.tasks.process_inbound", {"event_id": event.pk})]

    def test_bodies_are_not_readable_in_the_database(self, base) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)
        send(base, path_of(connection), good(connection))

        with database.cursor() as cursor:
            cursor.execute("SELECT body, headers::text FROM integrations_inboundevent")
            body, headers = cursor.fetchone()

        assert "ada@new.example" not in body
        assert "QG5ld" not in body  # nor as base64
        assert "signature" not in headers.lower()

    def test_twilio_hears_twiml_and_no_words(self, base) -> None:
        connection = make_connection(Vendor.TWILIO)

        heard = send(base, path_of(connection), good(connection))

        assert heard.headers["content-type"] == "text/xml"
        assert heard.body.endswith(b"<Response/>")

    def test_twilio_signs_the_public_url_with_its_query(self, base) -> None:
        connection = make_connection(Vendor.TWILIO)
        path = f"{path_of(connection)}?visit=1&x=%C3%A9"

        heard = send(base, path, twilio(DELIVERED, url=PUBLIC + path))
        local = send(base, path, twilio(DELIVERED | {"n": "2"}, url=base + path))

        assert (heard.status, local.status) == (200, 401)

    def test_without_a_public_url_the_one_called_counts(self, base, settings) -> None:
        settings.PUBLIC_BASE_URL = ""
        connection = make_connection(Vendor.TWILIO)
        path = path_of(connection)

        assert send(base, path, twilio(DELIVERED, url=base + path)).status == 200

    @pytest.mark.parametrize(
        "body",
        [
            b'{"event":"job.started","job":{"id":"\\u0000","note":"\\ud83d"}}',
            b'{"event":["not","text"],"event_occurred_at":true}',
            b'{"event":"' + b"x" * 500 + b'","x":{"id":"' + b"y" * 500 + b'"}}',
            b'{"event":"job.started","event_occurred_at":"9999-12-31T23:59:59-14:00"}',
            b'{"event":"job.started","n":1e999999,"m":' + b"9" * 400 + b"}",
        ],
    )
    def test_odd_words_are_stored_too(self, base, body) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)

        heard = send(base, path_of(connection), housecallpro(body))

        assert heard.status == 202
        assert body_of(InboundEvent.objects.get()) == body

    @pytest.mark.parametrize("state", [ConnectionState.PAUSED, "needs_attention"])
    def test_a_connection_that_is_left_alone_still_listens(self, base, state) -> None:
        because = "401" if state == "needs_attention" else ""
        connection = make_connection(
            Vendor.HOUSECALLPRO, state=state, attention=because
        )

        assert send(base, path_of(connection), good(connection)).status == 202

    def test_the_largest_body_is_taken_and_a_larger_one_is_not(self, base) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)
        frame = len(b'{"event":"a.b","x":""}')

        def call(size: int) -> Call:
            return housecallpro(b'{"event":"a.b","x":"%s"}' % (b"x" * (size - frame)))

        fits = send(base, path_of(connection), call(256 * 1024))
        larger = send(base, path_of(connection), call(256 * 1024 + 1))

        assert fits.status == 202
        assert (larger.status, larger.json()["code"]) == (413, "too_large")
        assert InboundEvent.objects.count() == 1


class TestWhatIsNot:
    """A stranger learns nothing, and leaves nothing behind."""

    @pytest.mark.parametrize("vendor", SIGNING)
    def test_a_bad_signature(self, base, vendor) -> None:
        connection = make_connection(vendor)
        call = good(connection)
        call.body = call.body.replace(b"1", b"2", 1)
        before = counted(vendor, "refused")

        heard = send(base, path_of(connection), call)

        assert heard.status == 401
        assert set(heard.json()) == {
            *("type", "title", "status", "detail", "code", "request_id")
        }
        assert heard.json()["detail"] == "Not signed as agreed"
        assert not InboundEvent.objects.exists()
        assert counted(vendor, "refused") == before + 1

    @pytest.mark.parametrize("vendor", SIGNING)
    def test_no_signature_no_secret_or_anothers(self, base, vendor) -> None:
        connection = make_connection(vendor)
        bare = Call(body=good(connection).body, headers={"Content-Type": FORM})
        call = good(connection)
        statuses = [send(base, path_of(connection), bare).status]
        Connection.objects.update(inbound_secret="")
        statuses.append(send(base, path_of(connection), call).status)
        Connection.objects.update(inbound_secret="somebody-elses")
        statuses.append(send(base, path_of(connection), call).status)

        assert statuses == [401, 401, 401]
        assert not InboundEvent.objects.exists()

    @pytest.mark.parametrize("vendor", ALL)
    def test_a_token_that_is_nobodys(self, base, vendor) -> None:
        connection = make_connection(vendor)
        call = good(connection)

        heard = send(base, path_of(connection)[:-1] + "x", call)

        assert (heard.status, heard.json()["code"]) == (404, "not_found")
        assert not InboundEvent.objects.exists()

    def test_a_token_under_another_vendors_name(self, base) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)
        path = path_of(connection).replace("housecallpro", "mailchimp")

        assert send(base, path, good(connection)).status == 404

    @pytest.mark.parametrize("vendor", ["nobody", "google_maps", "%00", "%C3%A9"])
    def test_a_vendor_that_does_not_call(self, base, vendor) -> None:
        path = f"/api/v1/webhooks/{vendor}/token"

        assert send(base, path, Call(body=b"{}")).status in {400, 404}

    @pytest.mark.parametrize("signed", [stripe, housecallpro])
    @pytest.mark.parametrize(
        ("late", "status"), [(-310, 401), (-290, 202), (290, 202), (310, 401)]
    )
    def test_too_late_or_too_early(self, base, signed, late, status) -> None:
        connection = make_connection(Vendor(signed.__name__))
        call = signed(PAID, at=time.time() - late)

        assert send(base, path_of(connection), call).status == status

    def test_an_old_body_that_is_sent_again(self, base) -> None:
        """Somebody has kept what went by an hour ago, and its signature."""
        connection = make_connection(Vendor.STRIPE)
        kept = stripe(PAID, at=time.time() - 3600)

        answers = [send(base, path_of(connection), kept).status for _ in range(5)]

        assert answers == [401] * 5
        assert not InboundEvent.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            *(b"", b"\0", b"\xff\xfe", b"[]", b'"x"', b"nonsense", b'{"event":'),
            b"[" * 100_000,
            b'{"event":' * 20_000,
        ],
    )
    def test_what_cannot_be_read(self, base, body) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)

        heard = send(base, path_of(connection), housecallpro(body))

        assert (heard.status, heard.json()["code"]) == (400, "invalid")
        assert not InboundEvent.objects.exists()

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "GET"])
    def test_another_method(self, base, method) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)

        heard = send(base, path_of(connection), good(connection), method=method)

        assert (heard.status, heard.json()["code"]) == (405, "method_not_allowed")


class TestHandshakes:
    """Vendors that try a URL before they use it."""

    @pytest.mark.parametrize("body", [b'{"foo":"bar"}', b"{}"])
    def test_housecalls_unsigned_probe(self, base, body) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO, inbound_secret="")
        call = Call(body=body, headers={"Content-Type": "application/json"})

        heard = send(base, path_of(connection), call)

        assert heard.status == 200
        assert not InboundEvent.objects.exists()

    def test_what_is_signed_is_no_probe(self, base) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)

        good = send(base, path_of(connection), housecallpro(b'{"foo":"bar"}'))
        bad = send(base, path_of(connection), housecallpro(b"{}", secret="another"))

        assert (good.status, bad.status) == (202, 401)

    def test_an_unsigned_event_is_no_probe(self, base) -> None:
        connection = make_connection(Vendor.HOUSECALLPRO)
        call = Call(body=b'{"event":"job.deleted"}')

        assert send(base, path_of(connection), call).status == 401

    def test_nobody_elses_probe_is_answered(self, base) -> None:
        connection = make_connection(Vendor.STRIPE)

        assert send(base, path_of(connection), Call(body=b"{}")).status == 401

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_mailchimp_looks_first(self, base, method) -> None:
        connection = make_connection(Vendor.MAILCHIMP)

        heard = send(base, path_of(connection), method=method)

        assert heard.status == 200
        assert not InboundEvent.objects.exists()

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
    def test_nobody_is_ever_told_that_we_are_gone(self, base, method) -> None:
        heard = send(base, "/api/v1/webhooks/mailchimp/none", method=method)

        assert heard.status == 404


class TestTheSameAgain:
    """Vendors repeat themselves."""

    @pytest.mark.parametrize("vendor", ALL)
    def test_is_counted_and_not_stored(self, base, hints, vendor) -> None:
        connection = make_connection(vendor)
        call = good(connection)

        answers = [send(base, path_of(connection), call).status for _ in range(3)]

        first = 202 if vendor not in {Vendor.TWILIO, Vendor.MAILCHIMP} else 200
        assert answers == [first, 200, 200]
        assert InboundEvent.objects.get().times_received == 3
        assert len(hints) == 1

    def test_signed_anew_is_still_the_same(self, base) -> None:
        connection = make_connection(Vendor.STRIPE)
        now = time.time()

        for late in (0, 5, 60):
            send(base, path_of(connection), stripe(PAID, at=now - late))

        assert InboundEvent.objects.count() == 1

    def test_what_it_says_of_its_type_makes_it_no_other(self, base) -> None:
        connection = make_connection(Vendor.STRIPE)
        again = stripe(PAID)
        again.headers["Content-Type"] = FORM

        send(base, path_of(connection), stripe(PAID))
        send(base, path_of(connection), again)

        assert InboundEvent.objects.count() == 1

    def test_twilios_order_of_fields_and_token_make_no_difference(self, base) -> None:
        connection = make_connection(Vendor.TWILIO)
        url = PUBLIC + path_of(connection)
        other = twilio(dict(reversed(DELIVERED.items())), url=url)
        other.headers["I-Twilio-Idempotency-Token"] = "another"

        send(base, path_of(connection), twilio(DELIVERED, url=url))
        send(base, path_of(connection), other)

        assert InboundEvent.objects.get().times_received == 2

    def test_each_step_of_a_message_is_news(self, base) -> None:
        connection = make_connection(Vendor.TWILIO)
        url = PUBLIC + path_of(connection)

        for status in ("sent", "delivered", "sent"):
            step = twilio(DELIVERED | {"MessageStatus": status}, url=url)
            send(base, path_of(connection), step)

        steps = InboundEvent.objects.order_by("pk").values_list(
            "event_type", "times_received"
        )
        assert list(steps) == [("message.sent", 2), ("message.delivered", 1)]

    def test_two_changes_in_one_second_are_two(self, base) -> None:
        connection = make_connection(Vendor.MAILCHIMP)
        profile = LEFT | {"type": "profile"}

        for name in ("Ada", "Ida"):
            call = mailchimp(profile | {"data[merges][FNAME]": name})
            send(base, path_of(connection), call)

        assert InboundEvent.objects.count() == 2

    def test_two_connections_hear_the_same_event_each(self, base) -> None:
        for _ in range(2):
            connection = make_connection(Vendor.STRIPE)
            assert send(base, path_of(connection), stripe(PAID)).status == 202

        assert InboundEvent.objects.count() == 2

    @pytest.mark.race
    @pytest.mark.parametrize("vendor", [Vendor.STRIPE, Vendor.TWILIO])
    def test_fifty_at_once_are_one(self, base, hints, vendor) -> None:
        connection = make_connection(vendor)
        call, path = good(connection), path_of(connection)

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: send(base, path, call), range(50)))

        statuses = sorted(answer.status for answer in answers)
        assert statuses == [200] * 50 if vendor == Vendor.TWILIO else [200] * 49 + [202]
        assert InboundEvent.objects.get().times_received == 50
        assert len(hints) == 1


class TestTwoSecrets:
    """While a secret is replaced, both are good; and then no longer."""

    @pytest.fixture
    def rotated(self) -> Connection:
        return make_connection(
            Vendor.HOUSECALLPRO,
            inbound_secret="new",
            previous_secret=SECRET,
            previous_secret_until=datetime.now(UTC) + timedelta(hours=1),
        )

    def test_either_signs(self, base, rotated) -> None:
        for number, secret in enumerate(("new", SECRET)):
            call = housecallpro({"event": f"job.{number}"}, secret=secret)
            assert send(base, path_of(rotated), call).status == 202

    def test_the_old_one_ends(self, base, rotated) -> None:
        ended = datetime.now(UTC) - timedelta(seconds=1)
        Connection.objects.update(previous_secret_until=ended)

        old = send(base, path_of(rotated), housecallpro({"event": "a.b"}))
        new = send(base, path_of(rotated), housecallpro({"event": "a.b"}, secret="new"))

        assert (old.status, new.status) == (401, 202)

    @pytest.mark.parametrize(
        ("vendor", "name", "status"),
        [
            (Vendor.TWILIO, "auth_token", 200),
            (Vendor.STRIPE, "webhook_secret", 202),
            (Vendor.STRIPE, "auth_token", 401),
        ],
    )
    def test_a_credential_that_signs_need_not_be_typed_twice(
        self, base, vendor, name, status
    ) -> None:
        connection = make_connection(
            vendor, inbound_secret="", credentials=json.dumps({name: SECRET})
        )

        assert send(base, path_of(connection), good(connection)).status == status


class TestServiceTitanSettings:
    """What its maker does not publish is set per connection."""

    @pytest.mark.parametrize(
        ("chosen", "status"),
        [
            ({"webhook_header": "X-Other"}, 401),
            ({"webhook_encoding": "base64"}, 202),
            ({"webhook_encoding": "hex"}, 401),
            ({"webhook_encoding": "rot13"}, 401),
            ({"webhook_unsigned": "yes"}, 202),
            ({}, 202),
        ],
    )
    def test_are_followed(self, base, chosen, status) -> None:
        connection = make_connection(Vendor.SERVICETITAN, settings=chosen)

        assert send(base, path_of(connection), good(connection)).status == status

    def test_unsigned_is_refused_unless_allowed(self, base) -> None:
        connection = make_connection(Vendor.SERVICETITAN)
        call = Call(body=b"{}", headers={"Content-Type": "application/json"})

        assert send(base, path_of(connection), call).status == 401


def test_one_connection_cannot_take_all_the_time(base, settings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"callbacks": "3/m"}
    loud, quiet = make_connection(Vendor.STRIPE), make_connection(Vendor.STRIPE)

    answers = [send(base, path_of(loud), stripe(PAID)) for _ in range(4)]
    other = send(base, path_of(quiet), stripe(PAID))

    assert [answer.status for answer in answers] == [202, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["code"] == "rate_limited"
    assert other.status == 202


class TestWithoutDatabase:
    """What is not stored is not acknowledged."""

    def test_the_vendor_is_asked_to_come_again(self, api) -> None:
        connection = make_connection(Vendor.STRIPE)
        call = stripe(PAID)

        with database.execute_wrapper(_refuse):
            answer = _post(api, connection, call)

        assert answer.status_code == 503
        assert int(answer["Retry-After"]) >= 1
        assert not InboundEvent.objects.exists()

    def test_a_commit_that_fails_is_no_yes(self, base) -> None:
        """End the server's side of the connection in the very commit."""
        connection = make_connection(Vendor.STRIPE)
        with database.cursor() as cursor:
            cursor.execute(_DIES_AT_COMMIT)
        try:
            heard: Heard = send(base, path_of(connection), stripe(PAID))
        finally:
            with database.cursor() as cursor:
                cursor.execute(_NO_MORE)

        assert heard.status == 503
        assert not InboundEvent.objects.exists()
        assert send(base, path_of(connection), stripe(PAID)).status == 202


_DIES_AT_COMMIT = """
CREATE FUNCTION die_at_commit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON integrations_inboundevent
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die_at_commit();
"""
_NO_MORE = """
DROP TRIGGER dies ON integrations_inboundevent; DROP FUNCTION die_at_commit();
"""


def _refuse(*args: Any) -> None:
    raise OperationalError("the database is away")


def _post(api: Any, connection: Connection, call: Call) -> Any:
    headers = dict(call.headers)
    kind = headers.pop("Content-Type")
    return api.post(
        path_of(connection), data=call.body, content_type=kind, headers=headers
    )
