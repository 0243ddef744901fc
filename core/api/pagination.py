"""Pages by key, not by number: as fast at the end of a long list as at its start."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.core import signing
from django.db.models import Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from core.api.errors import InvalidCursor

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_NEWEST_FIRST = ("-created_at", "-id")

Ordering = tuple[str, ...]


class SignedCursorPagination(BasePagination):
    """Page through a list in the order of the view's `ordering`, without counting it.

    The last column of `ordering` must be unique, and none of them null. A cursor is
    signed: its values go into the query as they are.
    """

    def __init__(self) -> None:
        self._next: str | None = None
        self._previous: str | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any]:
        def fetch(
            *, order: tuple[str, ...], after: Sequence[Any] | None, limit: int
        ) -> list[Any]:
            rest = queryset if after is None else queryset.filter(_after(order, after))
            return list(rest.order_by(*order)[:limit])

        ordering = tuple(getattr(view, "ordering", None) or _NEWEST_FIRST)
        return self.paginate(fetch, request, ordering=ordering)

    def paginate(
        self, fetch: Callable[..., list[Any]], request: Request, *, ordering: Ordering
    ) -> list[Any]:
        """Return a page of what `fetch(order=, after=, limit=)` brings.

        Its rows carry the columns of `ordering` as attributes.
        """
        signer = signing.Signer(salt=f"cursor:{request.path}:{','.join(ordering)}")
        limit = _limit(request.query_params.get("limit"))
        backwards, position = _read(request.query_params.get("cursor"), signer=signer)

        order = _reversed(ordering) if backwards else ordering
        rows = fetch(order=order, after=position, limit=limit + 1)
        more, rows = len(rows) > limit, rows[:limit]
        if backwards:
            rows.reverse()
        before, after = (more, True) if backwards else (position is not None, more)

        def link(row: Any, *, back: bool) -> str:
            cursor = signer.sign_object([back, *_values(row, ordering)])
            return replace_query_param(request.build_absolute_uri(), "cursor", cursor)

        self._set_links(rows, before=before, after=after, link=link)
        if backwards and not rows:  # walked off the start: the first page follows
            self._next = remove_query_param(request.build_absolute_uri(), "cursor")
        return rows

    def _set_links(
        self, rows: list[Any], *, before: bool, after: bool, link: Callable[..., str]
    ) -> None:
        if rows:
            self._previous = link(rows[0], back=True) if before else None
            self._next = link(rows[-1], back=False) if after else None

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._next, "previous": self._previous}
        return Response({**links, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "description": "How many a page holds.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_LIMIT,
                    "default": DEFAULT_LIMIT,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Where a page begins; taken from `next` or `previous`.",
                "schema": {"type": "string"},
            },
        ]


def _limit(given: str | None) -> int:
    if given is None:
        return DEFAULT_LIMIT
    # isascii: int() would take the digits of any script.
    if given.isascii() and given.isdigit() and len(given) < len("1000"):
        limit = int(given)
        if 1 <= limit <= MAX_LIMIT:
            return limit
    raise ValidationError({"limit": [f"Must be a number from 1 to {MAX_LIMIT}."]})


def _read(
    cursor: str | None, *, signer: signing.Signer
) -> tuple[bool, list[Any] | None]:
    if cursor is None:
        return False, None
    try:
        backwards, *position = signer.unsign_object(cursor)
    except signing.BadSignature as error:
        raise InvalidCursor("Take `next` or `previous` as they are.") from error
    return backwards, position


def _values(row: Any, ordering: Sequence[str]) -> list[Any]:
    """Return what places the row in the order, in types that JSON has."""
    found = (attrgetter(_path(column).replace("__", "."))(row) for column in ordering)
    return [
        value
        if isinstance(value, int | float | str)
        else value.isoformat()
        if isinstance(value, datetime | date)
        else str(value)
        for value in found
    ]


def _path(column: str) -> str:
    return column.removeprefix("-")


def _reversed(ordering: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        _path(column) if column.startswith("-") else f"-{column}" for column in ordering
    )


def _after(ordering: Sequence[str], position: Sequence[Any]) -> Q:
    """Return the rows that come after the position: a row comparison, spelt out.

    The first column is bounded on its own, so that its index serves the whole.
    """
    beyond = Q()
    equal = Q()
    for column, value in zip(ordering, position, strict=True):
        comparison = "lt" if column.startswith("-") else "gt"
        beyond |= equal & Q((f"{_path(column)}__{comparison}", value))
        equal &= Q((_path(column), value))
    first = f"{_path(ordering[0])}__{'lte' if ordering[0].startswith('-') else 'gte'}"
    return Q((first, position[0])) & beyond
