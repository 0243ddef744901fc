"""A worker keeps its connection to the database, and notices when it is broken."""

from typing import Any

import pytest
from django.db import connection

from config.celery import app
from config.keeping import KeepingFixup

pytestmark = pytest.mark.django_db(transaction=True)


def worker() -> Any:
    """Return what works with Django in a worker of ours."""
    [fixup] = vars(app)["_fixups"]
    assert isinstance(fixup, KeepingFixup)
    return fixup.worker_fixup


@pytest.fixture
def between_tasks() -> Any:
    """Return what Celery does before and after each task."""
    return worker().close_database


def backend() -> int:
    """Return which process of PostgreSQL's serves us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_the_next_task_has_the_connection_of_the_last(between_tasks) -> None:
    first = backend()
    between_tasks()

    assert backend() == first


def test_a_server_that_restarted_costs_no_task(between_tasks) -> None:
    first = backend()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [first])
    other.close()
    between_tasks()

    assert backend() != first


def test_a_connection_grows_old(between_tasks) -> None:
    first = backend()
    connection.close_at = 0.0
    between_tasks()

    assert backend() != first


def test_processes_to_come_share_none() -> None:
    backend()

    worker()._close_database()

    assert connection.connection is None
