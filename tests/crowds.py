"""Several people at once, each on a database connection of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from core.db import retry_contention
from core.errors import DomainError

CROWD = 8


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
