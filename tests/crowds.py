"""Several people at once, each on a database connection of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from core.db import retry_contention
from core.errors import DomainError

CROWD = 8


def deadlocks() -> int:
    """Return how often people of this database waited for each other in a circle.

    A second try hides it, after a second of waiting; the server has counted it. Those
    who have hung up have told all.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        (count,) = cursor.fetchone()
    return int(count)


def at_once(work: Callable[[int], Any], *, count: int = CROWD) -> list[Any]:
    """Run `work(0..count-1)` in threads that start together; return what came out."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return retry_contention(lambda: work(number))
        except DomainError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
