"""Asking a database that somebody may kill at any moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connection


@contextmanager
def while_it_may_die() -> Iterator[None]:
    """Do without an answer where the database is away, and connect anew next time."""
    try:
        yield
    except Error:
        connection.close()
