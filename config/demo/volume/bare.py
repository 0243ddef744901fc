"""Take the indexes and triggers off tables while they are filled.

Building an index over all rows at once is several times cheaper than growing it row
by row, and so is checking a foreign key by one join.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.models import Model

from config.demo.volume.derived import derive
from config.progress import Progress

_CONSTRAINTS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u', 'x')
    ORDER BY contype DESC, conname
"""
# Primary keys stay: foreign keys of other tables stand on them.
_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary AND NOT EXISTS (
        SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid
    )
    ORDER BY 1
"""
_BUILD_MEMORY = "512MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Something that a table can do without for a while."""

    name: str
    drop: str
    restore: str


@contextmanager
def bare(models: Sequence[type[Model]], *, progress: Progress) -> Iterator[None]:
    """Run the block without the models' indexes and keys; build them afterwards.

    Needs a transaction: whatever fails, the tables are as they were. Check
    constraints and primary keys hold all the while. Triggers rest, too: what they
    keep is worked out at the end.
    """
    tables = [model._meta.db_table for model in models]
    parts = [*_constraints(tables), *_indexes(tables)]
    with connection.cursor() as cursor:
        # Checks that are still due would forbid changing the tables.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for part in parts:
            cursor.execute(part.drop)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    step = progress.step("Indexes and keys", total=len(parts))
    with step as bar, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL maintenance_work_mem = '{_BUILD_MEMORY}'")
        for part in reversed(parts):
            cursor.execute(part.restore)
            bar.advance()
    derive(progress=progress)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _constraints(tables: list[str]) -> Iterator[_Part]:
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [tables])
        for table, name, definition in cursor.fetchall():
            yield _Part(
                name=name,
                drop=f"ALTER TABLE {table} DROP CONSTRAINT {name}",
                restore=f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}",
            )


def _indexes(tables: list[str]) -> Iterator[_Part]:
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [tables])
        for name, definition in cursor.fetchall():
            yield _Part(name=name, drop=f"DROP INDEX {name}", restore=definition)


def analyze(model: type[Model]) -> None:
    """Tell the planner what is in the table now, and mark its rows as visible."""
    how = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {connection.ops.quote_name(model._meta.db_table)}")
