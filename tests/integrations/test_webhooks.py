"""A signed webhook: what is sent, what an answer means, and how long anybody waits."""

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import User
from core.actors import SYSTEM, Role
from core.events import emit
from core.ids import uuid7
from core.models import Event, OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import deliver, publish_waiting, replay
from integrations.models import WebhookEndpoint
from integrations.rules.answers import retry_after
from integrations.services import (
    create_endpoint,
    outbound,
    rotate_secret,
    tend_endpoints,
    update_endpoint,
)
from integrations.services.signing import signed_headers
from tests.factories import make_location, make_user
from tests.integrations.conftest import subscribe
from tests.integrations.receiver import Answer, Heard, Receiver
from tests.outside import drain, skip_waiting

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 15, 0, tzinfo=UTC)
THING = uuid7()


def happen(name: str = "lead.updated", **given: Any) -> Event:
    """Let something happen that subscribers hear of."""
    fields: dict[str, Any] = {"of": ("lead", THING), "actor": SYSTEM, "now": NOW}
    with transaction.atomic():
        return emit(name, **fields | given)


def only_message() -> OutboxMessage:
    return OutboxMessage.objects.get()


def signature_vectors() -> list[dict[str, Any]]:
    """Return the published vectors that a sender can be held to."""
    file = Path(__file__).with_name("vectors.json")
    return [
        vector
        for vector in json.loads(file.read_text())["vectors"]
        if vector["vendor"] == "standard-webhooks" and vector["expect"] == "accept"
    ]


def payload_of(heard: Heard) -> dict[str, Any]:
    return dict(json.loads(heard.body))


def verify(heard: Heard, secret: str) -> Any:
    return Webhook(secret).verify(heard.body, heard.headers)


class TestWhatIsSent:
    """The request."""

    def test_a_subscriber_hears_of_an_event(self, endpoint, receiver) -> None:
        happen(data={"status": "new", "name": "Zoë"})

        drain()

        [heard] = receiver.heard
        assert (heard.method, heard.path) == ("POST", "/hook")
        assert payload_of(heard) == {
            "type": "lead.updated",
            "timestamp": "2027-03-01T15:00:00+00:00",
            "data": {
                "id": str(THING),
                "object": "lead",
                "event_number": 1,
                "status": "new",
                "name": "Zoë",
            },
        }
        assert heard.headers["content-type"] == "application/json"
        assert heard.headers["user-agent"] == "Fieldbook-Webhooks/1.0"
        assert only_message().status == OutboxStatus.DELIVERED

    def test_the_signature_holds_for_the_library(self, endpoint, receiver) -> None:
        happen()

        drain()

        assert verify(receiver.heard[0], endpoint.secret)["type"] == "lead.updated"

    def test_the_signature_holds_by_hand(self, endpoint, receiver) -> None:
        happen()

        drain()

        [heard] = receiver.heard
        key = base64.b64decode(endpoint.secret.removeprefix("whsec_"))
        name, at = heard.headers["webhook-id"], heard.headers["webhook-timestamp"]
        signed = b".".join([name.encode(), at.encode(), heard.body])
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        assert heard.headers["webhook-signature"] == expected
        assert name == f"msg_{only_message().key.hex}"
        assert abs(int(at) - time.time()) < 60

    @pytest.mark.parametrize("vector", signature_vectors(), ids=lambda v: v["name"])
    def test_a_published_vector_is_signed_as_published(self, vector) -> None:
        keys = [vector[name] for name in ("secret", "other_secret") if name in vector]

        headers = signed_headers(
            name=vector["msg_id"],
            body=vector["body"].encode(),
            keys=keys,
            now=datetime.fromtimestamp(vector["timestamp"], UTC),
        )

        published = vector["headers"]
        ours = headers.pop("webhook-signature").split()
        theirs = published.pop("webhook-signature").split()
        assert headers == published
        assert set(ours) <= set(theirs)
        assert len(ours) == len(keys)

    def test_a_signature_of_another_body_does_not_hold(
        self, endpoint, receiver
    ) -> None:
        happen()
        drain()
        [heard] = receiver.heard
        heard.body = heard.body.replace(b"lead", b"1ead")

        with pytest.raises(WebhookVerificationError):
            verify(heard, endpoint.secret)

    def test_each_try_has_the_id_of_the_first_and_a_time_of_its_own(
        self, endpoint, receiver, monkeypatch
    ) -> None:
        receiver.answers = [Answer(status=503)]
        happen()
        drain(now=timezone.now() - timedelta(seconds=100))
        skip_waiting()
        drain()

        first, second = receiver.heard
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        times = [int(heard.headers["webhook-timestamp"]) for heard in receiver.heard]
        assert times[1] - times[0] >= 100
        assert verify(second, endpoint.secret)

    def test_both_secrets_sign_while_one_replaces_the_other(
        self, endpoint, receiver
    ) -> None:
        old = endpoint.secret
        new = rotate_secret(
            endpoint_id=endpoint.pk, actor=SYSTEM, now=timezone.now()
        ).secret
        happen()
        drain()
        WebhookEndpoint.objects.update(previous_secret_until=timezone.now())
        happen()
        drain()

        during, after = receiver.heard
        assert old != new
        assert verify(during, old) == verify(during, new)
        assert len(during.headers["webhook-signature"].split()) == 2
        assert verify(after, new)
        with pytest.raises(WebhookVerificationError):
            verify(after, old)

    def test_the_request_id_is_passed_on(self, endpoint, receiver) -> None:
        event = happen()
        Event.objects.filter(pk=event.pk).update(request_id="request-4711")

        drain()

        assert receiver.heard[0].headers["x-request-id"] == "request-4711"

    def test_a_payload_that_would_be_too_long_says_so(self, endpoint, receiver) -> None:
        happen(data={"id": "x", "notes": "n" * 20_000})

        drain()

        [heard] = receiver.heard
        assert len(heard.body) < 20_000
        assert payload_of(heard)["data"] == {
            "id": str(THING),
            "object": "lead",
            "event_number": 1,
            "truncated": True,
        }


class TestWhoIsTold:
    """Subscriptions."""

    def test_only_what_was_asked_for(self, db, receiver) -> None:
        subscribe(receiver.url, event_names=["lead.created"])
        happen("lead.updated")
        happen("lead.created")

        drain()

        assert [payload_of(heard)["type"] for heard in receiver.heard] == [
            "lead.created"
        ]

    def test_only_of_the_own_branch(self, db, receiver) -> None:
        here, there = make_location(), make_location()
        subscribe(receiver.url, location=here)
        happen(location_id=there.pk)
        happen(location_id=None)
        happen(location_id=here.pk)

        drain()

        assert [payload_of(h)["data"]["event_number"] for h in receiver.heard] == [3]

    def test_each_of_several_once(self, endpoint, receiver) -> None:
        subscribe(f"{receiver.url}/other")
        happen()
        drain()
        Event.objects.update(published_at=None)

        drain()

        assert sorted(heard.path for heard in receiver.heard) == [
            "/hook",
            "/hook/other",
        ]

    def test_what_happens_to_users_is_nobodys_business(
        self, endpoint, receiver
    ) -> None:
        happen("user.created")

        drain()

        assert receiver.heard == []

    def test_events_of_one_thing_come_in_their_order(self, endpoint, receiver) -> None:
        receiver.answers = [Answer(status=500)]
        for _ in range(3):
            happen()
        drain()
        numbers_before = [payload_of(h)["data"]["event_number"] for h in receiver.heard]
        skip_waiting()
        drain()

        numbers = [payload_of(h)["data"]["event_number"] for h in receiver.heard]
        assert numbers_before == [1]
        assert numbers == [1, 1, 2, 3]


class TestAnswers:
    """What an answer means."""

    @pytest.mark.parametrize(
        ("status", "becomes"),
        [
            *[(code, "delivered") for code in (200, 201, 202, 204, 299)],
            *[(code, "dead") for code in (301, 302, 307, 308, 304)],
            *[(code, "dead") for code in (400, 401, 403, 404, 409, 410, 413, 422)],
            *[(code, "pending") for code in (408, 425, 429)],
            *[(code, "pending") for code in (500, 502, 503, 504, 599)],
        ],
    )
    def test_each_status_has_its_consequence(
        self, endpoint, receiver, status, becomes
    ) -> None:
        body = b"" if status in {204, 304} else b"because"
        receiver.answers = [Answer(status=status, body=body)]
        happen()

        drain()

        message = only_message()
        attempt = message.delivery_attempts.get()
        assert message.status == becomes
        assert attempt.http_status == status
        assert attempt.response_excerpt == body.decode()

    def test_a_redirect_is_not_followed(self, endpoint, receiver) -> None:
        receiver.answers = [
            Answer(status=307, headers={"Location": f"{receiver.url}/elsewhere"})
        ]
        happen()

        drain()

        assert [heard.path for heard in receiver.heard] == ["/hook"]
        assert only_message().last_error == "HTTP 307"

    @pytest.mark.parametrize(
        ("header", "least", "most"),
        [
            ("120", 110, 121),
            (lambda: format_datetime(timezone.now() + timedelta(minutes=2)), 110, 121),
            (str(10**7), 6 * 3600 - 10, 6 * 3600 + 1),  # never longer than six hours
            ("0", 3, 6.1),  # never shorter than our own schedule
            ("soon", 3, 6.1),
            ("Mon, 32 Foo 2027 99:00:00 GMT", 3, 6.1),
        ],
        ids=["seconds", "date", "four months", "at once", "rubbish", "no date"],
    )
    def test_retry_after_is_honoured(
        self, endpoint, receiver, header, least, most
    ) -> None:
        said = header() if callable(header) else header
        receiver.answers = [Answer(status=429, headers={"Retry-After": said})]
        happen()

        drain()

        message = only_message()
        waits = (message.next_attempt_at - timezone.now()).total_seconds()
        assert least < waits <= most

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("120", 120),
            ("0", 0),
            ("Mon, 01 Mar 2027 15:02:00 GMT", 120),
            ("Mon, 01 Mar 2027 14:00:00 GMT", None),  # has passed
            ("-5", None),
            ("soon", None),
            ("1e9", None),
            ("99999999999999", None),
            ("\u0661\u0662", None),
            ("", None),
            (None, None),
        ],
    )
    def test_what_a_retry_after_says(self, header, seconds) -> None:
        wait = retry_after(header, now=NOW)

        assert (wait and wait.total_seconds()) == (seconds or wait)

    def test_nobody_listens(self, db) -> None:
        subscribe("http://127.0.0.1:9/hook")
        happen()

        drain()

        message = only_message()
        assert message.status == OutboxStatus.PENDING
        assert message.last_outcome == "retryable"
        assert "ConnectError" in message.last_error

    def test_a_connection_that_breaks_leaves_it_unknown(
        self, endpoint, receiver
    ) -> None:
        receiver.answers = [Answer(raw=lambda handler: handler.connection.close())]
        happen()

        drain()

        assert only_message().last_outcome == "unknown"
        assert only_message().status == OutboxStatus.PENDING

    def test_garbage_is_survived(self, endpoint, receiver) -> None:
        receiver.answers = [
            Answer(
                raw=lambda handler: handler.wfile.write(b"\x00\xffnonsense\r\n\r\n")
            ),
            Answer(status=500, body=b"\x00\xff\xfe" * 2000),
        ]
        happen()
        drain()
        skip_waiting()
        drain()

        first, second = only_message().delivery_attempts.order_by("number")
        assert first.outcome == "unknown"
        assert second.http_status == 500
        assert "\0" not in second.response_excerpt

    def test_a_slow_receiver_is_not_waited_for(
        self, endpoint, receiver, monkeypatch
    ) -> None:
        monkeypatch.setattr(outbound, "READ_SECONDS", 0.3)
        receiver.answers = [Answer(wait=2)]
        happen()
        begun = time.monotonic()

        drain()

        assert time.monotonic() - begun < 1.5
        assert only_message().last_outcome == "unknown"
        assert "ReadTimeout" in only_message().last_error

    def test_a_trickle_does_not_outlast_the_call(
        self, endpoint, receiver, monkeypatch
    ) -> None:
        def trickle(handler: Any) -> None:
            for _ in range(40):
                handler.wfile.write(b"H")
                time.sleep(0.1)

        monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.5)
        receiver.answers = [Answer(raw=trickle)]
        happen()
        begun = time.monotonic()

        drain()

        assert time.monotonic() - begun < 2
        assert only_message().last_outcome == "unknown"

    def test_of_a_long_body_only_a_head_is_read(self, endpoint, receiver) -> None:
        written: list[int] = []

        def flood(handler: Any) -> None:
            handler.wfile.write(b"HTTP/1.1 500 X\r\nContent-Length: 99999999\r\n\r\n")
            try:
                while len(written) < 2000:
                    handler.wfile.write(b"x" * 65536)
                    written.append(1)
            except OSError:
                return

        receiver.answers = [Answer(raw=flood)]
        happen()

        drain()

        attempt = only_message().delivery_attempts.get()
        assert attempt.http_status == 500
        assert len(attempt.response_excerpt) == 2000
        assert len(written) < 500  # sockets' buffers, not 130 MB

    def test_an_unsafe_url_is_refused_at_each_send(
        self, endpoint, receiver, settings
    ) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False  # as in production
        happen()

        drain()

        assert receiver.heard == []
        assert only_message().status == OutboxStatus.DEAD
        assert only_message().last_error == "Use https."


class TestEndpointsThatFail:
    """Long failures, and being gone."""

    def test_410_switches_the_endpoint_off(self, endpoint, receiver) -> None:
        receiver.answers = [Answer(status=410)]
        happen()
        happen(of=("lead", uuid7()))

        drain()

        endpoint.refresh_from_db()
        statuses = OutboxMessage.objects.order_by("pk").values_list("status", flat=True)
        assert not endpoint.is_active
        assert endpoint.disabled_because == "It answered 410 Gone."
        assert list(statuses) == [OutboxStatus.DEAD, OutboxStatus.PARKED]
        assert Event.objects.filter(name="webhook_endpoint.disabled").exists()

    def test_who_is_off_is_not_called_and_hears_it_all_later(
        self, endpoint, receiver
    ) -> None:
        def switch(*, on: bool) -> None:
            update_endpoint(
                endpoint_id=endpoint.pk,
                changes={"is_active": on},
                actor=SYSTEM,
                now=timezone.now(),
            )

        receiver.answers = [Answer(status=503)]
        happen()
        drain()
        happen()
        drain()
        switch(on=False)
        skip_waiting()
        drain()
        heard_while_off = len(receiver.heard)
        switch(on=True)
        drain()

        numbers = [payload_of(h)["data"]["event_number"] for h in receiver.heard]
        assert heard_while_off == 1
        assert numbers == [1, 1, 2]

    def test_five_days_of_failure_are_enough(self, endpoint, receiver) -> None:
        receiver.otherwise = Answer(status=500)
        happen()
        drain()
        endpoint.refresh_from_db()
        began = endpoint.failing_since
        skip_waiting()

        drain(now=began + timedelta(days=5))

        endpoint.refresh_from_db()
        assert began is not None
        assert endpoint.disabled_because == "It failed for 5 days."

    def test_one_success_ends_the_count(self, endpoint, receiver) -> None:
        receiver.answers = [Answer(status=500)]
        happen()
        drain()
        skip_waiting()

        drain()

        endpoint.refresh_from_db()
        assert endpoint.failing_since is None

    def test_a_message_that_was_parked_too_late_is_let_go(
        self, endpoint, receiver
    ) -> None:
        happen()
        drain()
        OutboxMessage.objects.update(status=OutboxStatus.PARKED, finished_at=None)

        tend_endpoints(now=timezone.now())
        drain()

        assert len(receiver.heard) == 2
        assert only_message().status == OutboxStatus.DELIVERED

    def test_replaced_secrets_are_forgotten(self, endpoint) -> None:
        rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, now=timezone.now())

        tend_endpoints(now=timezone.now() + timedelta(hours=25))

        endpoint.refresh_from_db()
        assert endpoint.previous_secret == ""
        assert endpoint.previous_secret_until is None

    def test_a_replay_carries_the_old_id(self, endpoint, receiver) -> None:
        receiver.answers = [Answer(status=400)]
        happen()
        drain()

        replay(key=only_message().key, actor=SYSTEM, now=timezone.now())
        drain()

        names = {heard.headers["webhook-id"] for heard in receiver.heard}
        assert len(receiver.heard) == 2
        assert len(names) == 1

    def test_a_deleted_endpoint_is_not_called(self, endpoint, receiver) -> None:
        happen()
        receiver.answers = [Answer(status=503)]
        drain()
        WebhookEndpoint.objects.all().delete()
        skip_waiting()

        drain()

        assert len(receiver.heard) == 1
        assert only_message().status == OutboxStatus.CANCELLED


class TestTellingSomebody:
    """Who has to do something hears of it, by another way."""

    @pytest.fixture(autouse=True)
    def _by_mail(self, settings) -> None:
        provider = "notifications.channels.SmtpProvider"
        settings.NOTIFICATION_PROVIDERS = {"email": provider, "sms": provider}

    @pytest.mark.parametrize(
        ("status", "days", "because"),
        [(410, 0, "It answered 410 Gone."), (503, 5, "It failed for 5 days.")],
    )
    def test_each_admin_is_mailed_once(
        self, endpoint, receiver, status, days, because
    ) -> None:
        admins = [make_user(Role.ADMIN) for _ in range(2)]
        make_user(Role.DISPATCHER)
        make_user(Role.ADMIN, is_active=False)
        receiver.otherwise = Answer(status=status)
        happen()
        happen()

        for day in (0, days):
            drain(now=timezone.now() + timedelta(days=day))
            skip_waiting()
        Event.objects.filter(name="webhook_endpoint.disabled").update(published_at=None)
        drain()

        told = sorted(recipient for letter in mail.outbox for recipient in letter.to)
        assert told == sorted(admin.email for admin in admins)
        [letter, _] = mail.outbox
        assert letter.subject == "Webhooks to 127.0.0.1 are switched off"
        assert because in letter.body
        assert "1 message waits for it." in letter.body
        assert endpoint.secret not in letter.body

    def test_who_is_no_admin_any_more_is_not(self, endpoint, receiver) -> None:
        admin = make_user(Role.ADMIN)
        receiver.answers = [Answer(status=410)]
        happen()
        deliver(message_id=published().pk, now=timezone.now())
        alert = published(kind="alert")
        User.objects.filter(pk=admin.pk).update(role=Role.VIEWER)

        drain()

        alert.refresh_from_db()
        assert mail.outbox == []
        assert alert.status == OutboxStatus.CANCELLED

    def test_a_mail_server_that_is_away_is_asked_again(
        self, endpoint, receiver, settings
    ) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        make_user(Role.ADMIN)
        receiver.answers = [Answer(status=410)]
        happen()

        drain()

        alert = OutboxMessage.objects.get(kind="alert")
        assert alert.status == OutboxStatus.PENDING
        assert alert.last_outcome == "retryable"


def published(kind: str = "webhook") -> OutboxMessage:
    """Let handlers hear what happened; return the one message of that kind."""
    publish_waiting(budget=timedelta(minutes=1))
    return OutboxMessage.objects.get(kind=kind)


def follow(message_id: int) -> None:
    """Do in a thread what a caller does when it is rung for."""
    try:
        budget = timedelta(seconds=10)
        deliver(message_id=message_id, now=timezone.now(), budget=budget)
    finally:
        outbound.hang_up()
        connection.close()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_keeps_nobody_else_waiting(receiver, hints) -> None:
    """Six callers, one receiver that does not answer, and a fast one."""
    released = threading.Event()

    def hang(handler: Any) -> None:
        released.wait(20)

    with Receiver() as slow:
        slow.otherwise = Answer(raw=hang)
        for url in (slow.url, receiver.url):
            subscribe(url)
        for _ in range(15):
            happen(of=("lead", uuid7()))
        publish_waiting(budget=timedelta(minutes=1))
        rung = [ids["message_id"] for task, ids in hints if task.endswith(".deliver")]

        with ThreadPoolExecutor(6) as callers:
            followed = [callers.submit(follow, message_id) for message_id in rung]
            while len(receiver.heard) < 15 and not all(f.done() for f in followed):
                time.sleep(0.01)
            in_time, at_the_slow_one = len(receiver.heard), len(slow.heard)
            released.set()
        slow.shutdown()

    assert in_time == 15
    assert 1 <= at_the_slow_one <= settings.OUTBOX_LEASES_PER_DESTINATION == 4


def test_secrets_are_ciphertext_in_the_database(db) -> None:
    endpoint = create_endpoint(
        url="http://127.0.0.1:9/", actor=SYSTEM, now=timezone.now()
    )
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT secret FROM integrations_webhookendpoint")
        stored = cursor.fetchone()[0]

    assert endpoint.secret.startswith("whsec_")
    assert len(base64.b64decode(endpoint.secret.removeprefix("whsec_"))) == 32
    assert endpoint.secret not in stored
    assert WebhookEndpoint.objects.get().secret == endpoint.secret
