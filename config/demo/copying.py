"""Rows by COPY: fast, and at the times we say, not at the time of writing."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model


def copy_in(things: Sequence[Model]) -> None:
    """Write unsaved instances of one model, `auto_now` fields as they stand.

    Numbered keys come from their sequence. Needs a transaction where the things
    refer to others.
    """
    if not things:
        return
    fields = _fields(type(things[0]))
    copy_rows(
        type(things[0]),
        [field.attname for field in fields],
        ([_prepared(field, thing) for field in fields] for thing in things),
    )
    for thing in things:
        thing._state.adding = False  # else a later save() would insert it again


def copy_rows(
    model: type[Model], attributes: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows of values that psycopg knows, in the order of `attributes`."""
    names = {field.attname: field.column or "" for field in _fields(model)}
    quote = connection.ops.quote_name
    columns = ", ".join(quote(names[attribute]) for attribute in attributes)
    statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    """Return the fields to write: all but numbered keys."""
    return [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, AutoField)
    ]


def _prepared(field: "Field[Any, Any]", thing: Model) -> Any:
    return field.get_db_prep_save(getattr(thing, field.attname), connection)
