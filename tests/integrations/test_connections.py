"""Connections: made, changed, tried out, paused, re-authorised and removed."""

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.utils import timezone

from core.actors import SYSTEM, Actor, Role
from core.errors import NotFound
from core.models import Event, OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from integrations import services
from integrations.connectors import registry
from integrations.models import (
    Connection,
    ConnectionHealth,
    ConnectionState,
    FieldMapping,
)
from integrations.rules.refusals import (
    Busy,
    NoAnswer,
    NotAllowed,
    NotSent,
    Postponed,
    Refused,
)
from integrations.services.connections import hash_of_token
from tests.core.outbox_rows import tell
from tests.factories import make_location, make_user
from tests.integrations.vendor import Reply

URL = "/api/v1/integrations/connections"
SECRET = "sk_very_secret"
FORM = {
    "vendor": "servicetitan",
    "name": "Titan",
    "settings": {"tenant": "t1"},
    "credentials": {"key": SECRET},
}


@pytest.fixture
def admin(db, api_as, vendor) -> Any:
    return api_as(make_user(Role.ADMIN))


@pytest.fixture
def connection(db, vendor) -> Connection:
    return make(vendor)


def make(vendor: Any, **given: Any) -> Connection:
    """Connect the vendor of the tests."""
    fields = {**FORM, "settings": {"tenant": "t1", "hosts": {"api": vendor.url}}}
    form = services.ConnectionForm(**fields | given)
    return services.create_connection(form=form, actor=SYSTEM, now=timezone.now())


def pause(connection: Connection, actor: Actor = SYSTEM) -> None:
    services.pause_connection(
        connection_id=connection.pk, actor=actor, now=timezone.now()
    )


def post(client: Any, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(path, body or {}, format="json", headers=headers)


def url(connection: Connection, *parts: str) -> str:
    return "/".join((f"{URL}/{connection.pk}", *parts))


def waiting(connection: Connection, count: int = 3, **given: Any) -> list[int]:
    """Write messages that wait for a connection."""
    fields = {"kind": "sync", "destination": str(connection.pk)}
    return [tell(**fields | given).pk for _ in range(count)]


def names_of_events() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("name", flat=True))


def statuses() -> set[str]:
    return set(OutboxMessage.objects.values_list("status", flat=True))


@pytest.mark.django_db
class TestCreating:
    """New ones."""

    def test_it_begins_with_its_connectors_mapping(self, connection) -> None:
        rows = FieldMapping.objects.filter(connection=connection).order_by("field")

        assert [(row.field, row.remote, row.winner) for row in rows] == [
            ("name", "name", "ours"),
            ("phone", "contact.phone", "theirs"),
        ]
        assert ConnectionHealth.objects.get(pk=connection.pk).breaker == "closed"
        assert names_of_events() == ["connection.created"]

    def test_what_is_not_told_is_filled_in(self, connection) -> None:
        assert connection.settings["region"] == "us"

    def test_it_has_a_url_that_nobody_guesses(self, connection) -> None:
        path = services.inbound_path(connection)

        token = path.removeprefix("/api/v1/webhooks/servicetitan/")
        assert re.fullmatch(r"[\w-]{43}", token)
        assert connection.inbound_token_hash == hash_of_token(token)

    def test_the_answer_shows_no_credentials(self, admin, vendor) -> None:
        answer = post(admin, URL, FORM)

        made = answer.json()
        shown = admin.get(f"{URL}/{made['id']}").json()
        listed = admin.get(URL).json()["results"]
        assert answer.status_code == 201
        assert made["credentials_set"] == ["key"]
        assert made["inbound_secret"]
        assert shown == {k: v for k, v in made.items() if k != "inbound_secret"}
        assert SECRET not in json.dumps([made, shown, listed])
        assert "inbound_url" not in listed[0]
        assert shown["health"]["breaker"] == "closed"

    def test_credentials_are_not_stored_in_clear(self, connection) -> None:
        with database.cursor() as cursor:
            cursor.execute("SELECT * FROM integrations_connection")
            row = str(cursor.fetchall())

        assert SECRET not in row
        assert connection.inbound_token not in row
        assert connection.inbound_secret not in row

    @pytest.mark.parametrize(
        ("given", "pointers"),
        [
            ({"settings": {}}, ["/settings/tenant"]),
            ({"credentials": {"key": ""}}, ["/credentials/key"]),
            ({"settings": {"tenant": "1", "color": "red"}}, ["/settings/color"]),
            ({"credentials": {"tenant": "1"}}, ["/credentials/key"]),
            ({"settings": {"tenant": "1", "key": "x"}}, ["/settings/key"]),
            ({"settings": {"tenant": {"a": 1}}}, ["/settings/tenant"]),
            ({"hosts": {"ftp": "https://api.vendor.example"}}, ["/hosts/ftp"]),
            ({"hosts": {"api": "nowhere"}}, ["/hosts/api"]),
            ({"name": ""}, ["/name"]),
            ({"vendor": "nobody"}, ["/vendor"]),
            ({"calls_per_second": 0}, ["/calls_per_second"]),
            ({"location": str(uuid4())}, ["/location"]),
            ({"state": "paused"}, ["/state"]),
        ],
    )
    def test_a_wrong_form_is_refused(self, admin, given, pointers) -> None:
        answer = post(admin, URL, FORM | given)

        assert answer.status_code == 400
        assert set(pointers) <= {e["pointer"] for e in answer.json()["errors"]}
        assert not Connection.objects.exists()

    def test_production_takes_only_the_vendors_hosts(self, admin, settings) -> None:
        settings.VENDORS_MAY_BE_ANYWHERE = False

        answer = post(admin, URL, FORM | {"hosts": {"api": "https://evil.example"}})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["code"] == "untrusted_host"

    def test_two_of_one_name_are_refused(self, admin) -> None:
        answers = [post(admin, URL, FORM) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["code"] == "connection_exists"

    def test_a_vendor_that_nobody_speaks_to(self, admin, monkeypatch) -> None:
        monkeypatch.delitem(registry.CONNECTORS, "servicetitan")

        answer = post(admin, URL, FORM)

        assert answer.json()["code"] == "vendor_not_offered"

    def test_which_vendors_ask_what(self, admin) -> None:
        found = admin.get(f"{URL}/vendors").json()["vendors"]

        mine = next(one for one in found if one["vendor"] == "servicetitan")
        assert [one["name"] for one in mine["questions"]] == ["tenant", "region", "key"]


@pytest.mark.django_db
class TestChanging:
    """Changes."""

    def test_what_is_left_out_stays(self, admin, connection) -> None:
        change = {"settings": {"region": "eu"}, "calls_per_second": 5}

        answer = admin.patch(url(connection), change, format="json")

        connection.refresh_from_db()
        assert answer.json()["settings"] == {"tenant": "t1", "region": "eu"}
        assert answer["ETag"] == '"2"'
        assert json.loads(connection.credentials) == {"key": SECRET}
        assert connection.calls_per_second == 5

    def test_an_empty_text_takes_away_unless_it_is_needed(
        self, admin, connection
    ) -> None:
        gone = admin.patch(url(connection), {"settings": {"region": ""}}, format="json")
        kept = admin.patch(url(connection), {"settings": {"tenant": ""}}, format="json")

        assert "region" not in gone.json()["settings"]
        assert kept.status_code == 400

    def test_the_audit_names_what_changed_and_tells_no_secret(
        self, admin, connection
    ) -> None:
        change = {"credentials": {"key": "another_secret"}, "name": "T"}
        admin.patch(url(connection), change, format="json")

        event = Event.objects.get(name="connection.updated")
        assert event.data["changed"] == ["credentials.key", "name"]
        assert "secret" not in json.dumps(event.data)

    def test_nothing_changed_is_no_change(self, admin, connection) -> None:
        answer = admin.patch(url(connection), {"name": "Titan"}, format="json")

        assert answer["ETag"] == '"1"'
        assert names_of_events() == ["connection.created"]

    @pytest.mark.parametrize("method", ["patch", "delete"])
    def test_a_stale_version_changes_nothing(self, admin, connection, method) -> None:
        answer = getattr(admin, method)(
            url(connection), {"name": "T"}, format="json", headers={"If-Match": '"7"'}
        )

        connection.refresh_from_db()
        assert answer.status_code == 412
        assert connection.name == "Titan"

    def test_removing_calls_off_what_waits(self, admin, connection) -> None:
        waiting(connection)
        waiting(connection, kind="other")

        answer = admin.delete(url(connection))

        assert answer.status_code == 204
        assert statuses() == {OutboxStatus.CANCELLED}
        assert not FieldMapping.objects.exists()
        assert names_of_events()[-1] == "connection.deleted"

    def test_who_sees_one_branch_changes_only_its_own(self, vendor) -> None:
        branch, other = make_location(), make_location()
        own, foreign, whole = (
            make(vendor, name=str(place), location=place)
            for place in (branch, other, None)
        )
        actor = Actor(role=Role.ADMIN, label="Ann", location_ids=frozenset({branch.pk}))

        found = []
        for connection in (own, foreign, whole):
            try:
                pause(connection, actor=actor)
                found.append(True)
            except NotFound:
                found.append(False)

        assert found == [True, False, False]


@pytest.mark.django_db
class TestMapping:
    """Which field is which."""

    ROWS = (
        {"object_type": "customer", "field": "name", "remote": "full_name"},
        {
            "object_type": "customer",
            "field": "language",
            "remote": "lang",
            "direction": "out",
            "winner": "newest",
            "choices": {"en": "english"},
        },
    )

    def put(self, client: Any, connection: Connection, *rows: Any, **headers: str):
        body = {"mappings": list(rows)}
        path = url(connection, "mappings")
        return client.put(path, body, format="json", headers=headers)

    def test_it_is_replaced_as_a_whole(self, admin, connection) -> None:
        answer = self.put(admin, connection, *self.ROWS)

        rows = answer.json()["mappings"]
        event = Event.objects.get(name="connection.mapping_changed")
        assert rows == admin.get(url(connection, "mappings")).json()["mappings"]
        assert [(row["field"], row["remote"], row["winner"]) for row in rows] == [
            ("language", "lang", "newest"),
            ("name", "full_name", "ours"),
        ]
        assert sorted(event.data["changed"]) == ["customer.language", "customer.name"]
        assert event.data["removed"] == ["customer.phone"]

    def test_the_same_again_is_no_change(self, admin, connection) -> None:
        versions = [self.put(admin, connection, *self.ROWS)["ETag"] for _ in range(2)]

        assert versions == ['"2"', '"2"']

    @pytest.mark.parametrize(
        ("row", "pointer"),
        [
            ({"object_type": "invoice"}, "/mappings/1/object_type"),
            ({"field": "name"}, "/mappings/1/field"),
            ({"direction": "sideways"}, "/mappings/1/direction"),
            ({"remote": ""}, "/mappings/1/remote"),
        ],
    )
    def test_a_wrong_row_is_refused(self, admin, connection, row, pointer) -> None:
        answer = self.put(admin, connection, self.ROWS[0], {**self.ROWS[1], **row})

        assert answer.status_code == 400
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
        assert FieldMapping.objects.count() == 2

    def test_a_stale_version_changes_nothing(self, admin, connection) -> None:
        answer = self.put(admin, connection, self.ROWS[0], **{"If-Match": '"9"'})

        assert answer.status_code == 412
        assert FieldMapping.objects.count() == 2


@pytest.mark.django_db
class TestStanding:
    """Pause, resume, and what waits meanwhile."""

    def test_pausing_parks_and_resuming_lets_go(self, admin, connection) -> None:
        waiting(connection)
        waiting(connection, kind="other")

        paused = post(admin, url(connection, "pause"), {"reason": "Stocktaking"})
        parked = statuses()
        resumed = post(admin, url(connection, "resume"))

        assert (paused.json()["state"], parked) == ("paused", {OutboxStatus.PARKED})
        assert resumed.json()["state"] == "active"
        assert statuses() == {OutboxStatus.PENDING}
        assert Event.objects.get(name="connection.paused").reason == "Stocktaking"

    def test_twice_is_as_good_as_once(self, admin, connection) -> None:
        for name in ("pause", "pause", "resume", "resume"):
            assert post(admin, url(connection, name)).status_code == 200

        assert names_of_events()[1:] == ["connection.paused", "connection.resumed"]

    def test_the_oldest_go_first_and_gently(self, connection) -> None:
        ids = waiting(connection, 11)
        pause(connection)

        services.resume_connection(
            connection_id=connection.pk, actor=SYSTEM, now=timezone.now()
        )

        rows = OutboxMessage.objects.order_by("next_attempt_at")
        times = list(rows.values_list("next_attempt_at", flat=True))
        assert list(rows.values_list("pk", flat=True)) == ids
        assert times[-1] - times[0] == timedelta(seconds=2)

    def test_others_messages_are_left_alone(self, connection, vendor) -> None:
        other = make(vendor, name="Other")
        waiting(other)

        pause(connection)

        assert statuses() == {OutboxStatus.PENDING}


@pytest.mark.django_db
class TestRefusal:
    """What failures mean, and connections that the vendor refuses."""

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [
            (Postponed("x"), AttemptOutcome.POSTPONED),
            (NotSent("x"), AttemptOutcome.RETRYABLE),
            (Busy("x"), AttemptOutcome.RETRYABLE),
            (NoAnswer("x"), AttemptOutcome.UNKNOWN),
            (NotAllowed("x"), AttemptOutcome.PARKED),
            (Refused("x"), AttemptOutcome.REJECTED),
        ],
    )
    def test_of_a_message(self, connection, failure, kind) -> None:
        outcome = self.outcome(connection, failure)

        assert outcome.kind is kind

    def outcome(self, connection: Connection, failure: Any) -> Any:
        return services.outcome_of_failure(
            failure, connection=connection, now=timezone.now()
        )

    def test_what_was_said_is_kept(self, connection) -> None:
        wait = timedelta(seconds=9)
        failure = Refused("No.", status=422, code="c1", excerpt="{}", retry_after=wait)

        outcome = self.outcome(connection, failure)

        assert (outcome.http_status, outcome.error) == (422, "c1: No.")
        assert (outcome.response_excerpt, outcome.retry_after) == ("{}", wait)

    def test_refused_credentials_park_all_and_are_told_once(self, connection) -> None:
        waiting(connection)

        for _ in range(3):
            self.outcome(connection, NotAllowed("HTTP 401: Bad key."))

        connection.refresh_from_db()
        assert connection.state == ConnectionState.NEEDS_ATTENTION
        assert connection.attention == "HTTP 401: Bad key."
        assert statuses() == {OutboxStatus.PARKED}
        assert names_of_events().count("connection.needs_attention") == 1

    def test_a_refusal_of_old_credentials_says_nothing(self, connection) -> None:
        before = Connection.objects.get(pk=connection.pk)
        services.update_connection(
            connection_id=connection.pk,
            changes={"credentials": {"key": "new"}},
            actor=SYSTEM,
            now=timezone.now(),
        )

        outcome = self.outcome(before, NotAllowed("HTTP 401"))

        connection.refresh_from_db()
        assert outcome.kind is AttemptOutcome.POSTPONED
        assert connection.state == ConnectionState.ACTIVE

    def test_what_is_paused_stays_paused(self, connection) -> None:
        pause(connection)

        outcome = self.outcome(connection, NotAllowed("HTTP 401"))

        connection.refresh_from_db()
        assert outcome.kind is AttemptOutcome.PARKED
        assert connection.state == ConnectionState.PAUSED


@pytest.mark.django_db(transaction=True)
class TestChecking:
    """Test connection, and new credentials."""

    def test_it_says_what_the_vendor_says(self, admin, vendor, connection) -> None:
        vendor.otherwise = Reply(json={"name": "Ann's Heating"})

        answer = post(admin, url(connection, "test"))

        assert answer.json() == {
            "ok": True,
            "said": "Hello Ann's Heating.",
            "status": None,
        }
        assert Event.objects.get(name="connection.checked").data["ok"] is True

    @pytest.mark.parametrize(
        ("reply", "said", "status"),
        [
            (Reply(status=401), "HTTP 401", 401),
            (Reply(status=500), "HTTP 500", 500),
            (Reply(body=b"<html>"), "The answer makes no sense.", 200),
            (Reply(json=[]), "The vendor's answer was not understood.", None),
            (Reply(json={}), "The vendor's answer was not understood.", None),
            (Reply(body=b""), "The vendor's answer was not understood.", None),
            (
                Reply(raw=lambda handler: handler.connection.close()),
                "No answer: RemoteProtocolError.",
                None,
            ),
        ],
    )
    def test_it_always_answers(
        self, admin, vendor, connection, reply, said, status
    ) -> None:
        vendor.otherwise = reply

        answer = post(admin, url(connection, "test"))

        assert answer.status_code == 200
        assert answer.json() == {"ok": False, "said": said, "status": status}

    @pytest.mark.parametrize("works", [True, False])
    def test_a_person_need_not_wait_for_the_breaker(
        self, admin, vendor, connection, works
    ) -> None:
        later = timezone.now() + timedelta(hours=1)
        rows = ConnectionHealth.objects.filter(pk=connection.pk)
        rows.update(breaker="open", reopens_at=later, open_seconds=30)
        vendor.otherwise = Reply(json={"name": "Ann"}, status=200 if works else 503)

        answer = post(admin, url(connection, "test"))

        health = rows.get()
        assert answer.json()["ok"] is works
        assert (health.breaker, health.open_seconds) == ("open", 30)
        assert (health.reopens_at == later) is not works

    def test_it_refuses_nobody_by_parking(self, admin, vendor, connection) -> None:
        vendor.otherwise = Reply(status=401)

        post(admin, url(connection, "test"))

        connection.refresh_from_db()
        assert connection.state == ConnectionState.ACTIVE

    @pytest.fixture
    def refused(self, vendor, connection) -> Any:
        """Return a connection whose key the vendor no longer takes; `new` it takes."""
        waiting(connection)
        services.mark_needs_attention(
            connection=connection, because="401", now=timezone.now()
        )
        ConnectionHealth.objects.filter(pk=connection.pk).update(
            breaker="open", reopens_at=timezone.now(), failing_since=timezone.now()
        )

        def answer(heard: Any) -> Reply:
            fine = heard.headers["authorization"] == "Bearer new"
            return Reply(json={"name": "Ann"}) if fine else Reply(status=401)

        vendor.otherwise = answer
        return connection

    def test_new_credentials_let_all_go_on(self, admin, refused) -> None:
        body = {"credentials": {"key": "new"}}

        answer = post(admin, url(refused, "reauthorise"), body)

        refused.refresh_from_db()
        assert answer.json()["state"] == "active"
        assert answer.json()["attention"] == ""
        assert answer.json()["health"]["breaker"] == "closed"
        assert json.loads(refused.credentials) == {"key": "new"}
        assert statuses() == {OutboxStatus.PENDING}
        assert names_of_events()[-1] == "connection.reauthorised"

    @pytest.mark.parametrize(
        ("reply", "status", "code"),
        [
            (Reply(status=401), 422, "connection_refused"),
            (Reply(status=400), 422, "connection_refused"),
            (Reply(status=503), 503, "unavailable"),
        ],
    )
    def test_credentials_that_do_not_work_change_nothing(
        self, admin, vendor, refused, reply, status, code
    ) -> None:
        vendor.otherwise = reply

        answer = post(
            admin, url(refused, "reauthorise"), {"credentials": {"key": "bad"}}
        )

        refused.refresh_from_db()
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert refused.state == ConnectionState.NEEDS_ATTENTION
        assert json.loads(refused.credentials) == {"key": SECRET}
        assert statuses() == {OutboxStatus.PARKED}


@pytest.mark.django_db
class TestInboundSecrets:
    """What the vendor needs to call us."""

    def test_two_secrets_hold_for_a_day(self, admin, connection) -> None:
        first = connection.inbound_secret

        answer = post(admin, url(connection, "rotate-secret"))

        connection.refresh_from_db()
        left = connection.previous_secret_until - timezone.now()
        assert connection.previous_secret == first
        assert answer.json()["inbound_secret"] == connection.inbound_secret != first
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)

    def test_a_secret_that_the_vendor_made(self, admin, connection) -> None:
        post(admin, url(connection, "rotate-secret"), {"secret": "whsec_theirs"})

        connection.refresh_from_db()
        assert connection.inbound_secret == "whsec_theirs"

    def test_the_old_one_is_forgotten_in_the_end(self, connection) -> None:
        now = timezone.now()
        services.rotate_inbound_secret(
            connection_id=connection.pk, actor=SYSTEM, now=now
        )

        services.tend_connections(now=now + timedelta(hours=25))

        connection.refresh_from_db()
        assert connection.previous_secret == ""
        assert connection.previous_secret_until is None

    def test_another_url_ends_the_old_one(self, admin, connection, settings) -> None:
        settings.PUBLIC_BASE_URL = "https://fieldbook.example"
        before = services.inbound_path(connection)

        answer = post(admin, url(connection, "rotate-token"))

        connection.refresh_from_db()
        after = services.inbound_path(connection)
        assert answer.json()["inbound_url"] == f"https://fieldbook.example{after}"
        assert after != before


@pytest.mark.django_db
class TestTending:
    """What is done from time to time."""

    def failing(self, connection: Connection, hours: int) -> None:
        now = timezone.now()
        since = now - timedelta(hours=hours)
        rows = ConnectionHealth.objects.filter(pk=connection.pk)
        rows.update(failing_since=since, last_failure_at=now)

    @pytest.mark.parametrize(
        ("hours", "state"), [(119, "active"), (121, "needs_attention")]
    )
    def test_five_days_of_failure_are_enough(self, connection, hours, state) -> None:
        self.failing(connection, hours)

        services.tend_connections(now=timezone.now())

        connection.refresh_from_db()
        assert connection.state == state

    def test_what_was_parked_too_late_goes_on(self, connection) -> None:
        waiting(connection)
        OutboxMessage.objects.update(status=OutboxStatus.PARKED)

        services.tend_connections(now=timezone.now())

        assert statuses() == {OutboxStatus.PENDING}

    def test_what_waits_for_a_paused_one_stays(self, connection) -> None:
        waiting(connection)
        pause(connection)

        services.tend_connections(now=timezone.now())

        assert statuses() == {OutboxStatus.PARKED}


@pytest.mark.django_db
def test_a_list_asks_the_same_however_long(
    admin, vendor, django_assert_max_num_queries
) -> None:
    for number in range(5):
        make(vendor, name=str(number))
    admin.get(URL)

    with django_assert_max_num_queries(4):
        answer = admin.get(URL)

    assert len(answer.json()["results"]) == 5
