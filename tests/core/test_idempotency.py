"""One key, one effect: in sequence, at once, and over a death in the middle."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from core.actors import Actor, Role
from core.idempotency import Call, begin
from core.models import IdempotencyRecord, Location
from tests.core.wire_app import signed_in
from tests.factories import make_location

pytestmark = pytest.mark.usefixtures("wire_urls")

URL = "/api/v1/branches"
BODY = {"name": "Phoenix", "date": "2027-05-01"}


def send(api, body=BODY, *, key: str | None = "key-1", url: str = URL):
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(url, body, format="json", headers=headers)


def as_role(role: Role) -> APIClient:
    return signed_in(Actor(role=role, label="x", user_id=User(role=role).pk))


@pytest.mark.django_db
class TestOneAfterTheOther:
    """A request sent again, in the usual order of things."""

    def test_the_second_is_answered_as_the_first(self, api) -> None:
        first, second = send(api), send(api)

        assert Location.objects.count() == 1
        assert second.status_code == first.status_code == 201
        assert second.content == first.content
        assert second["ETag"] == first["ETag"] == '"1"'
        assert second["Content-Type"] == first["Content-Type"]
        assert second["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first

    def test_the_layout_of_the_json_does_not_matter(self, api) -> None:
        send(api)

        again = send(api, {"date": "2027-05-01", "name": "Phoenix"})

        assert again["Idempotent-Replayed"] == "true"

    @pytest.mark.parametrize("other", [{"name": "x"}, {"date": "2027-05-02"}])
    def test_another_body_is_a_mismatch(self, api, other) -> None:
        send(api)

        response = send(api, BODY | other)

        assert response.status_code == 422
        assert response.json()["code"] == "idempotency_mismatch"

    def test_another_query_is_a_mismatch(self, api) -> None:
        send(api)

        assert send(api, url=f"{URL}?x=1").status_code == 422

    def test_another_key_is_another_wish(self, api) -> None:
        send(api)
        send(api, key="key-2")

        assert Location.objects.count() == 2

    def test_a_key_belongs_to_its_user(self) -> None:
        send(as_role(Role.DISPATCHER))
        send(as_role(Role.DISPATCHER))

        assert Location.objects.count() == 2

    def test_visitors_of_one_address_share_keys_and_others_do_not(self, api) -> None:
        send(api)
        elsewhere = APIClient(REMOTE_ADDR="203.0.113.9")

        assert "Idempotent-Replayed" not in send(elsewhere)
        assert Location.objects.count() == 2

    def test_without_a_key_each_request_counts(self, api) -> None:
        send(api, key=None)
        send(api, key=None)

        assert Location.objects.count() == 2
        assert not IdempotencyRecord.objects.exists()

    def test_a_machine_must_send_a_key(self) -> None:
        machine = as_role(Role.INTEGRATION)

        refused = send(machine, key=None)

        assert refused.status_code == 400
        assert refused.json()["code"] == "idempotency_key_required"
        assert send(machine).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb", "\x7f"])
    def test_a_strange_key_is_malformed(self, api, key) -> None:
        response = send(api, key=key)

        assert response.status_code == 400
        assert response.json()["code"] == "idempotency_key_invalid"

    @pytest.mark.parametrize("key", ["x", "x" * 255, "!~ #$%'\"", "0" * 36])
    def test_any_printable_key_will_do(self, api, key) -> None:
        assert send(api, key=key).status_code == 201

    def test_a_faulty_form_leaves_the_key_free(self, api) -> None:
        assert send(api, BODY | {"date": "x"}).status_code == 400

        assert send(api).status_code == 201

    def test_a_conflict_is_kept_and_its_effect_undone(self, api) -> None:
        first = send(api, BODY | {"name": "taken"})
        second = send(api, BODY | {"name": "taken"})

        assert first.status_code == second.status_code == 409
        assert first.json()["alternatives"] == ["2027-01-02"]
        assert second.content == first.content
        assert second["Content-Type"] == "application/problem+json"
        assert second["Idempotent-Replayed"] == "true"
        assert not Location.objects.exists()

    def test_a_conflict_without_a_key_undoes_its_effect(self, api) -> None:
        assert send(api, BODY | {"name": "taken"}, key=None).status_code == 409
        assert not Location.objects.exists()

    def test_after_72_hours_the_key_is_new_again(self, api) -> None:
        send(api)
        past = timezone.now() - timedelta(seconds=1)
        IdempotencyRecord.objects.update(expires_at=past)

        response = send(api, BODY | {"name": "Tucson"})

        assert response.status_code == 201
        assert IdempotencyRecord.objects.get().expires_at > timezone.now()

    def test_the_record_lives_for_72_hours(self, api) -> None:
        send(api)

        record = IdempotencyRecord.objects.get()
        assert record.expires_at - record.created_at == timedelta(hours=72)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Requests with one key that meet each other."""

    def test_ten_at_once_have_one_effect_and_one_answer(self) -> None:
        barrier = threading.Barrier(10)

        def one(_: int):
            try:
                barrier.wait()
                return send(APIClient(), BODY | {"name": "sleepy"})
            finally:
                connections.close_all()

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(one, range(10)))

        assert Location.objects.count() == 1
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotent-Replayed" in answer for answer in answers) == 9

    def test_a_call_that_takes_too_long_is_still_running(self, api) -> None:
        """Hold the key's place in the index as a slow first request would."""
        begun, done = threading.Event(), threading.Event()

        def slow() -> None:
            call = Call(
                principal="anonymous:127.0.0.1",
                route="POST api/v1/branches",
                key="key-1",
                request_hash="x",
            )
            try:
                with transaction.atomic():
                    begin(call, now=timezone.now())
                    begun.set()
                    done.wait(10)
                    transaction.set_rollback(True)
            finally:
                connections.close_all()

        thread = threading.Thread(target=slow)
        thread.start()
        begun.wait(10)
        response = send(api)
        done.set()
        thread.join()

        assert response.status_code == 409
        assert response.json()["code"] == "request_in_progress"
        assert response["Retry-After"] == "1"
        assert send(api).status_code == 201

    @pytest.mark.parametrize("key", [None, "key-1"])
    def test_a_lost_race_for_a_row_is_no_bug(self, api, key) -> None:
        """Somebody else holds the row for longer than we try."""
        make_location(open_hours=None, code="locked")
        locked, done = threading.Event(), threading.Event()

        def hold() -> None:
            try:
                with transaction.atomic():
                    Location.objects.select_for_update().get(code="locked")
                    locked.set()
                    done.wait(10)
            finally:
                connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        locked.wait(10)
        lost = send(api, BODY | {"name": "busy"}, key=key)
        done.set()
        thread.join()

        assert lost.status_code == 503
        assert lost.json()["code"] == "unavailable"
        assert lost["Retry-After"] == "1"
        assert send(api, BODY | {"name": "busy"}, key=key).status_code == 201

    def test_a_death_in_the_middle_leaves_nothing_and_the_key_free(self, api) -> None:
        with pytest.raises(SystemExit):
            send(api, BODY | {"name": "dies"})

        assert not Location.objects.exists()
        assert not IdempotencyRecord.objects.exists()
        assert send(api, BODY).status_code == 201

    def test_a_killed_connection_leaves_nothing_and_the_key_free(self, api) -> None:
        """End the server's side of the transaction, as a crash of the process does."""
        answers: list[int] = []

        def one() -> None:
            try:
                client = APIClient(raise_request_exception=False)
                response = send(client, BODY | {"name": "sleepy"})
                answers.append(response.status_code)
            finally:
                connections.close_all()

        thread = threading.Thread(target=one)
        thread.start()
        killed = _kill_when_asleep()
        thread.join()

        assert killed
        assert answers == [503]
        assert not Location.objects.exists()
        assert not IdempotencyRecord.objects.exists()
        assert send(api, BODY | {"name": "sleepy"}).status_code == 201


def _kill_when_asleep() -> bool:
    """Terminate the backend that sleeps in the view, once it does."""
    deadline = timezone.now() + timedelta(seconds=5)
    while timezone.now() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
            if cursor.fetchall():
                return True
    return False
