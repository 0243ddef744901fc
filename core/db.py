"""PostgreSQL's refusals, turned into sentences; and what the ORM does too slowly."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import psycopg
from django.db import IntegrityError, OperationalError, connection, models, transaction

from core.errors import DomainError, Unavailable

Result = TypeVar("Result")

# Deadlock, serialization failure, lock timeout: the work itself was not at fault.
_WORTH_ANOTHER_TRY = ("40P01", "40001", "55P03")


@contextmanager
def on_breach(
    constraint: str, error: DomainError, *, savepoint: bool = True
) -> Iterator[None]:
    """Raise `error` if the block breaches the named database constraint.

    The block runs in a savepoint, so the caller's transaction stays usable. A caller
    who rolls back anyway when `error` is raised can do without.
    """
    try:
        with transaction.atomic(savepoint=savepoint):
            yield
    except IntegrityError as breach:
        cause = breach.__cause__
        if isinstance(cause, psycopg.Error) and (
            cause.diag.constraint_name == constraint
        ):
            raise error from breach
        raise


def take_turns(name: str) -> None:
    """Wait until nobody else holds `name`; hold it until the transaction ends.

    For things that have no row yet to be locked. Different names may share a turn,
    which costs a wait and nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def insert_new(*groups: Sequence[models.Model]) -> None:
    """Insert new instances, each group of one model, by one statement.

    Their keys are drawn already. For the few rows that each booking writes: the ORM
    puts its INSERT together anew each time, which takes longer than PostgreSQL needs
    for it.
    """
    rows = [row for group in groups for row in group]
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for row in rows
        for field in row._meta.concrete_fields
    ]
    shape = tuple((type(group[0]), len(group)) for group in groups)
    with connection.cursor() as cursor:
        cursor.execute(_insert_of(shape), values)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


@cache
def _insert_of(shape: tuple[tuple[type[models.Model], int], ...]) -> str:
    *others, last = (_insert_into(model, count) for model, count in shape)
    before = ", ".join(f"part_{n} AS ({each})" for n, each in enumerate(others))
    return f"WITH {before} {last}" if others else last


def _insert_into(model: type[models.Model], count: int) -> str:
    quote = connection.ops.quote_name
    fields = model._meta.concrete_fields
    columns = ", ".join(quote(str(field.column)) for field in fields)
    one = f"({', '.join(['%s'] * len(fields))})"
    return (
        f"INSERT INTO {quote(model._meta.db_table)} ({columns})"  # noqa: S608  # names
        f" VALUES {', '.join([one] * count)}"
    )


def _was_unlucky(cause: BaseException | None) -> bool:
    """Tell whether the same work may well succeed when it is run again."""
    if not isinstance(cause, psycopg.Error):
        return False
    if cause.sqlstate in _WORTH_ANOTHER_TRY:
        return True
    return (cause.diag.constraint_name or "").endswith("_reference_key")


def retry_contention(work: Callable[[], Result], *, tries: int = 3) -> Result:
    """Run a whole transaction again when it was only unlucky.

    It lost a race for locks, or drew a reference that exists already.

    Raises:
        Unavailable: it was unlucky every time.
    """
    for attempt in range(1, tries + 1):
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            nested = transaction.get_connection().in_atomic_block
            if nested or not _was_unlucky(error.__cause__):
                raise
            if attempt < tries:
                # Jitter, so that two that met once do not meet again.
                time.sleep(random.uniform(0.02, 0.1))  # noqa: S311  # no secret
    raise Unavailable("Too many people are changing this at once. Please try again.")
