"""Subscribers and deliveries over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from core.actors import Role
from core.models import Event, IdempotencyRecord, OutboxMessage
from core.models.outbox import OutboxStatus
from tests.factories import make_location, make_user
from tests.integrations.conftest import subscribe
from tests.integrations.receiver import Answer
from tests.integrations.test_webhooks import happen
from tests.outside import drain, skip_waiting

ENDPOINTS, DELIVERIES = "/api/v1/webhook-endpoints", "/api/v1/deliveries"
URL = "https://hooks.example.com/fieldbook"
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db, api_as) -> Any:
    return api_as(make_user(Role.ADMIN))


def post(client: Any, path: str, body: dict | None = None, **headers: str) -> Any:
    return client.post(path, body or {}, format="json", headers=headers)


class TestEndpoints:
    """Subscriptions."""

    def test_the_secret_is_shown_once(self, admin) -> None:
        answer = post(admin, ENDPOINTS, {"url": URL, "event_names": ["lead.created"]})
        created = answer.json()
        shown_later = admin.get(f"{ENDPOINTS}/{created['id']}").json()

        assert answer.status_code == 201
        assert answer["ETag"] == '"1"'
        assert created["secret"].startswith("whsec_")
        assert shown_later == {k: v for k, v in created.items() if k != "secret"}
        assert "secret" not in admin.get(ENDPOINTS).json()["results"][0]

    def test_the_secret_is_not_kept_for_repeated_requests(self, admin) -> None:
        post(admin, ENDPOINTS, {"url": URL}, **{"Idempotency-Key": "once"})

        assert not IdempotencyRecord.objects.exists()

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/url"),
            ({"url": URL, "event_names": ["no.such"]}, "/event_names/0"),
            ({"url": URL, "event_names": ["user.created"]}, "/event_names/0"),
            ({"url": URL, "secret": "whsec_mine"}, "/secret"),
            ({"url": URL, "location": str(uuid4())}, "/location"),
            ({"url": URL, "is_active": False}, "/is_active"),
        ],
    )
    def test_a_wrong_form_is_refused(self, admin, body, pointer) -> None:
        answer = post(admin, ENDPOINTS, body)

        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    @pytest.mark.parametrize(
        "url", ["http://example.com/", "https://127.0.0.1/", "https://example.com:22/"]
    )
    def test_production_calls_nothing_private(self, admin, settings, url) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False

        answer = post(admin, ENDPOINTS, {"url": url})

        assert answer.status_code == 422
        assert answer.json()["code"] == "unsafe_target"

    def test_one_url_is_subscribed_once(self, admin) -> None:
        post(admin, ENDPOINTS, {"url": URL})

        answer = post(admin, ENDPOINTS, {"url": URL})
        of_a_branch = post(
            admin, ENDPOINTS, {"url": URL, "location": str(make_location().pk)}
        )

        assert answer.status_code == 409
        assert answer.json()["code"] == "endpoint_exists"
        assert of_a_branch.status_code == 201

    def test_it_can_be_changed_and_removed(self, admin) -> None:
        path = f"{ENDPOINTS}/{post(admin, ENDPOINTS, {'url': URL}).json()['id']}"

        changed = admin.patch(
            path, {"event_names": ["lead.updated", "lead.created"]}, format="json"
        )
        stale = admin.patch(
            path, {"description": "x"}, format="json", headers={"If-Match": '"1"'}
        )
        same = admin.patch(path, {"event_names": ["lead.created", "lead.updated"]},
                           format="json")  # fmt: skip
        removed = admin.delete(path, headers={"If-Match": '"2"'})

        assert changed.json()["event_names"] == ["lead.created", "lead.updated"]
        assert changed["ETag"] == same["ETag"] == '"2"'
        assert stale.status_code == 412
        assert stale.json()["current"]["version"] == 2
        assert removed.status_code == 204
        assert admin.get(path).status_code == 404

    def test_it_can_be_switched_off_and_on(self, admin) -> None:
        path = f"{ENDPOINTS}/{post(admin, ENDPOINTS, {'url': URL}).json()['id']}"

        off = admin.patch(path, {"is_active": False}, format="json").json()
        on = admin.patch(path, {"is_active": True}, format="json").json()

        assert off["disabled_because"].startswith("Switched off by ")
        assert on["disabled_because"] == ""

    def test_a_test_event_arrives(self, admin, endpoint, receiver) -> None:
        answer = post(admin, f"{ENDPOINTS}/{endpoint.pk}/test")
        drain()

        assert answer.status_code == 202
        assert b'"type":"endpoint.test"' in receiver.heard[0].body
        delivery = admin.get(f"{DELIVERIES}/{answer.json()['id']}").json()
        assert delivery["status"] == "delivered"

    def test_a_new_secret_is_shown_once(self, admin, endpoint) -> None:
        answer = post(admin, f"{ENDPOINTS}/{endpoint.pk}/rotate-secret")

        endpoint.refresh_from_db()
        assert answer.status_code == 200
        assert answer.json()["secret"] == endpoint.secret
        assert answer.json()["previous_secret_until"] is not None
        assert Event.objects.filter(name="webhook_endpoint.secret_rotated").exists()

    def test_secrets_are_in_no_event(self, admin) -> None:
        created = post(admin, ENDPOINTS, {"url": URL}).json()
        rotated = post(admin, f"{ENDPOINTS}/{created['id']}/rotate-secret").json()

        told = str(list(Event.objects.values()))
        assert created["secret"] not in told
        assert rotated["secret"] not in told

    @pytest.mark.parametrize(
        "role", [Role.DISPATCHER, Role.VIEWER, Role.TECHNICIAN, Role.INTEGRATION]
    )
    def test_only_the_admin_may(self, api_as, endpoint, role) -> None:
        client = api_as(make_user(role, locations=[make_location()]))

        answers = [
            client.get(ENDPOINTS),
            post(client, ENDPOINTS, {"url": URL}),
            post(client, f"{ENDPOINTS}/{endpoint.pk}/rotate-secret"),
            client.get(DELIVERIES),
            post(client, f"{DELIVERIES}/replay"),
        ]

        assert {answer.status_code for answer in answers} == {403}


class TestDeliveries:
    """What left, what waits, and what died."""

    def test_a_delivery_shows_every_try(self, admin, endpoint, receiver) -> None:
        receiver.answers = [
            Answer(status=503, body=b"busy", headers={"Retry-After": "7"})
        ]
        happen()
        drain()
        skip_waiting()
        drain()

        [row] = admin.get(DELIVERIES).json()["results"]
        shown = admin.get(f"{DELIVERIES}/{row['id']}").json()
        first, second = shown["delivery_attempts"]
        assert row["status"] == "delivered"
        assert row["event_name"] == "lead.updated"
        assert row["destination"] == str(endpoint.pk)
        assert shown["payload"]["type"] == "lead.updated"
        assert (first["number"], first["outcome"], first["http_status"]) == (
            1,
            "retryable",
            503,
        )
        assert first["response_excerpt"] == "busy"
        assert first["retry_after_seconds"] == 7
        assert (second["number"], second["outcome"]) == (2, "ok")

    def test_lists_can_be_narrowed(self, admin, endpoint, receiver) -> None:
        other = subscribe(f"{receiver.url}/other")
        receiver.answers = [Answer(status=400)]
        event = happen()
        drain()

        def count(query: str) -> int:
            return len(admin.get(f"{DELIVERIES}?{query}").json()["results"])

        assert count("") == 2
        assert count("status=dead") == count("status=delivered") == 1
        assert count("status=dead&status=delivered") == 2
        assert count(f"endpoint={other.pk}") == 1
        assert count(f"destination={endpoint.pk}") == 1
        assert count("kind=webhook") == 2
        assert count("kind=email") == 0
        assert count(f"aggregate={event.aggregate_id}") == 2
        assert count("event_name=lead.updated") == 2
        assert count("created_after=2099-01-01T00:00:00Z") == 0

    @pytest.mark.parametrize("query", ["status=lost", "endpoint=x", "created_after=x"])
    def test_nonsense_is_refused(self, admin, query) -> None:
        assert admin.get(f"{DELIVERIES}?{query}").status_code == 400

    def test_a_dead_delivery_is_replayed(self, admin, endpoint, receiver) -> None:
        receiver.answers = [Answer(status=400)]
        happen()
        drain()
        key = OutboxMessage.objects.get().key

        first = post(admin, f"{DELIVERIES}/{key}/replay")
        again = post(admin, f"{DELIVERIES}/{key}/replay")
        drain()

        assert first.status_code == again.status_code == 202
        assert first.json()["status"] == again.json()["status"] == "pending"
        assert len(receiver.heard) == 2
        assert OutboxMessage.objects.get().status == OutboxStatus.DELIVERED

    def test_what_was_called_off_is_not(self, admin, endpoint) -> None:
        happen()
        drain()
        OutboxMessage.objects.update(status=OutboxStatus.CANCELLED)
        key = OutboxMessage.objects.get().key

        answer = post(admin, f"{DELIVERIES}/{key}/replay")

        assert answer.status_code == 409
        assert answer.json()["code"] == "not_replayable"

    def test_an_outage_is_replayed_as_a_whole(self, admin, endpoint, receiver) -> None:
        receiver.otherwise = Answer(status=400)
        for _ in range(4):
            happen()
        drain()
        receiver.otherwise = Answer()
        now = timezone.now()
        span = {"from": (now - DAY).isoformat(), "to": (now + DAY).isoformat()}

        elsewhere = post(
            admin, f"{DELIVERIES}/replay", span | {"endpoint": str(uuid4())}
        )
        earlier = post(admin, f"{DELIVERIES}/replay", span | {"to": span["from"]})
        counts = [
            post(admin, f"{DELIVERIES}/replay", span | {"kind": "webhook"}).json()
            for _ in range(2)
        ]
        drain()

        assert elsewhere.json() == {"count": 0}
        assert earlier.status_code == 400
        assert counts == [{"count": 4}, {"count": 0}]
        assert len(receiver.heard) == 8
        audit = Event.objects.get(name="deliveries.replayed")
        assert audit.data["count"] == 4
        assert audit.data["asked"]["kind"] == "webhook"
        assert audit.actor_role == Role.ADMIN

    def test_what_arrived_can_be_sent_again_too(
        self, admin, endpoint, receiver
    ) -> None:
        happen()
        drain()
        now = timezone.now()
        body = {
            "from": (now - DAY).isoformat(),
            "to": (now + DAY).isoformat(),
            "status": "delivered",
        }

        answer = post(admin, f"{DELIVERIES}/replay", body)
        drain()

        assert answer.json() == {"count": 1}
        assert len(receiver.heard) == 2

    @pytest.mark.parametrize("messages", [1, 6])
    def test_the_number_of_queries_is_constant(
        self, admin, endpoint, messages, django_assert_num_queries
    ) -> None:
        for _ in range(messages):
            happen()
        drain()

        with django_assert_num_queries(2):  # who asks, and the list
            found = admin.get(DELIVERIES).json()["results"]
        with django_assert_num_queries(2):
            admin.get(ENDPOINTS)

        assert len(found) == messages
