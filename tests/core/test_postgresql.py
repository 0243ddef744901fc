"""The database engine: cheap, and no less sturdy for it."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import (
    NotSupportedError,
    close_old_connections,
    connection,
    transaction,
)

from core.api.problems import problem_of
from tests.factories import make_location

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "SELECT name FROM scratch WHERE id = %s"


@pytest.fixture
def somebody_else():
    """Return another session, such as a migration's."""
    given = connection.get_connection_params()
    target = {name: given[name] for name in ("dbname", "user", "password", "host")}
    with psycopg.connect(**target, port=given.get("port"), autocommit=True) as session:
        yield session


@pytest.fixture
def scratch(somebody_else):
    """Make a table of its own, and a statement about it that is prepared."""
    somebody_else.execute("CREATE TABLE scratch AS SELECT 1 AS id, 'Ann'::text AS name")
    for _ in range(5):
        ask()
    yield somebody_else
    somebody_else.execute("DROP TABLE scratch")


def ask() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(QUESTION, [1])
        return cursor.fetchall()


def prepared() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        return cursor.fetchone()[0]


def test_what_is_asked_often_is_prepared(scratch) -> None:
    assert prepared() > 0


def test_a_migration_in_between_is_not_noticed(scratch) -> None:
    scratch.execute("ALTER TABLE scratch ALTER name TYPE varchar(50)")

    assert ask() == [("Ann",)]
    assert ask() == [("Ann",)]


def test_a_transaction_under_a_migration_fails_once(scratch) -> None:
    scratch.execute("ALTER TABLE scratch ALTER name TYPE varchar(50)")

    with pytest.raises(NotSupportedError) as failed, transaction.atomic():
        ask()
    with transaction.atomic():
        assert ask() == [("Ann",)]
    answer = problem_of(failed.value)
    assert answer is not None
    assert answer.status_code == 503  # another try will do


def test_what_postgresql_cannot_do_is_a_bug_of_ours(scratch) -> None:
    with pytest.raises(NotSupportedError) as failed, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM scratch FOR UPDATE")

    assert problem_of(failed.value) is None


def test_a_session_that_was_reset_goes_on(scratch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")

    assert ask() == [("Ann",)]


def test_a_server_that_came_back_is_found_by_the_next_request(api, scratch) -> None:
    location = make_location()
    pid = connection.connection.info.backend_pid

    scratch.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    close_old_connections()  # as each request begins; the test client leaves it out
    answer = api.get(f"/api/v1/locations/{location.pk}")

    assert answer.status_code == 200
    assert connection.connection.info.backend_pid != pid


def test_a_silent_server_is_not_asked_whether_it_is_there(monkeypatch) -> None:
    connection.ensure_connection()
    close_old_connections()
    monkeypatch.setattr(connection, "is_usable", pytest.fail)

    assert ask_nothing() == [(1,)]


def ask_nothing() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchall()


@pytest.mark.parametrize("chunked", [False, True])
def test_times_come_in_utc(chunked) -> None:
    moment = datetime(2027, 3, 14, 9, 59, 59, 123456, tzinfo=UTC)
    make_location()
    with transaction.atomic():
        cursor = connection.chunked_cursor() if chunked else connection.cursor()
        with cursor:
            cursor.execute("SELECT %s::timestamptz", [moment])
            ((found,),) = cursor.fetchall()

    assert (found, found.tzinfo) == (moment, UTC)
