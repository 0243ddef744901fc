"""How Housecall Pro is read: single things, and pages of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.connectors.port import Caller
from integrations.rules.refusals import Busy, NoAnswer, Refused

Row = Mapping[str, Any]
PAGE_SIZE = 100
# A pager that never says that it is done must not hold a worker.
MOST_PAGES = 20
_NOT_THERE = frozenset({404, 410})


def created(body: Any) -> Row:
    """Return what was created.

    Raises:
        NoAnswer: the answer does not say; it may have been created all the same.
    """
    if not isinstance(body, Mapping) or not body.get("id"):
        raise NoAnswer("The answer has no id.")
    return body


def read_one(call: Caller, path: str, **params: Any) -> Row | None:
    """Return a thing, or None where there is none (any more)."""
    try:
        body = call("GET", path, params=params or None).json
    except Refused as refusal:
        if refusal.status in _NOT_THERE:
            return None
        raise
    if not isinstance(body, Mapping) or not body.get("id"):
        raise Busy("The answer has no id.")
    return body


def rows_of(body: Any, name: str) -> list[Row]:
    """Return the things on a page."""
    rows = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise Busy(f"The answer has no list of {name}.")
    return [row for row in rows if isinstance(row, Mapping) and row.get("id")]


def all_rows(
    call: Caller, path: str, name: str, *, pages: int = MOST_PAGES, **params: Any
) -> Iterator[Row]:
    """Yield the things of a list, page after page."""
    for page in range(1, pages + 1):
        body = call(
            "GET", path, params={**params, "page": page, "page_size": PAGE_SIZE}
        ).json
        yield from rows_of(body, name)
        if page >= int(body.get("total_pages") or 0):
            return


def is_gone(refusal: Refused) -> bool:
    """Tell whether it says that the thing is not there."""
    return refusal.status in _NOT_THERE


def says_yes(call: Caller, name: str, *, default: str = "no") -> bool:
    """Tell whether a setting is switched on."""
    return str(call.settings.get(name) or default).lower() in {"yes", "true", "1"}
