"""ServiceTitan's lists: pages, filters, and the feeds of changes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from integrations.sandbox.servicetitan.books import (
    CHANGED_AT,
    EXTERNAL,
    VERSION,
    Books,
    Row,
    shown,
)
from integrations.sandbox.servicetitan.problems import invalid
from integrations.sandbox.servicetitan.reading import moment

Params = Mapping[str, str]
Filter = Callable[[Row, str], bool]

DEFAULT_PAGE_SIZE = 50
MOST_PER_PAGE = 5000
MOST_IDS = 50
EXPORT_PAGE = 200
_TOKEN = "v:"  # noqa: S105  # how our continuation tokens begin
_SORTS = {"Id": "id", "ModifiedOn": "modifiedOn", "CreatedOn": "createdOn"}


def page_of(
    rows: Iterable[Row], params: Params, *, filters: Mapping[str, Filter] | None = None
) -> dict[str, Any]:
    """Return the page that was asked for.

    Raises:
        Problem: 400 for a parameter that makes no sense.
    """
    number = _whole(params, "page", default=1, most=1_000_000)
    size = _whole(params, "pageSize", default=DEFAULT_PAGE_SIZE, most=MOST_PER_PAGE)
    found = _sorted(_filtered(rows, params, filters or {}), params.get("sort", "+Id"))
    begin = (number - 1) * size
    page: dict[str, Any] = {
        "page": number,
        "pageSize": size,
        "hasMore": begin + size < len(found),
        "data": [told(row, params) for row in found[begin : begin + size]],
    }
    if params.get("includeTotal", "").lower() == "true":
        page["totalCount"] = len(found)
    return page


def export_of(
    rows: Iterable[Row], params: Params, *, books: Books, lag: timedelta
) -> dict[str, Any]:
    """Return what changed after the token or date in `from`.

    With includeRecentChanges the newest come at once, and the last known again.

    Raises:
        Problem: 400 for a token that is none.
    """
    after, since = _beginning(params.get("from", ""))
    recent = params.get("includeRecentChanges", "").lower() == "true"
    settled = books.clock() - (timedelta(0) if recent else lag)
    repeated = 1 if recent and after else 0
    found = sorted(
        (
            row
            for row in rows
            if row[VERSION] > after - repeated
            and row[CHANGED_AT] <= settled
            and row["modifiedOn"] >= since
        ),
        key=lambda row: int(row[VERSION]),
    )
    page = found[:EXPORT_PAGE]
    last = max([after, *(row[VERSION] for row in page)])
    return {
        "hasMore": len(found) > len(page),
        "continueFrom": urlsafe_b64encode(f"{_TOKEN}{last}".encode()).decode(),
        "data": [told(row, params) for row in page],
    }


def told(row: Row, params: Params) -> Row:
    """Return a row with the external data of the application that asks."""
    if EXTERNAL not in row:
        return shown(row)
    data = row[EXTERNAL].get(params.get("externalDataApplicationGuid", ""), {})
    pairs = [{"key": key, "value": value} for key, value in data.items()]
    return shown(row) | {"externalData": pairs}


def equals(member: str) -> Filter:
    """Return a filter by a member's value."""
    return lambda row, wanted: str(row.get(member)) == wanted


def among(member: str) -> Filter:
    """Return a filter by a comma list of values."""
    return lambda row, wanted: str(row.get(member)) in wanted.split(",")


def holds(member: str) -> Filter:
    """Return a filter by a part of a text, whatever its case."""
    return lambda row, wanted: wanted.casefold() in str(row.get(member)).casefold()


def not_before(member: str) -> Filter:
    """Return a filter by a time, that one included."""
    return lambda row, wanted: _time(row.get(member), wanted) >= 0


def before(member: str) -> Filter:
    """Return a filter by a time, that one excluded."""
    return lambda row, wanted: _time(row.get(member), wanted) < 0


_ALWAYS: dict[str, Filter] = {
    "createdOnOrAfter": not_before("createdOn"),
    "createdBefore": before("createdOn"),
    "modifiedOnOrAfter": not_before("modifiedOn"),
    "modifiedBefore": before("modifiedOn"),
}


def _filtered(
    rows: Iterable[Row], params: Params, filters: Mapping[str, Filter]
) -> list[Row]:
    asked = [
        (keep, params[name])
        for name, keep in {**filters, **_ALWAYS}.items()
        if params.get(name)
    ]
    active = params.get("active", "True")
    if active not in {"True", "False", "Any"}:
        raise invalid(active="One of True, Any, False is expected.")
    if active != "Any":
        asked.append((lambda row, wanted: str(row["active"]) == wanted, active))
    if "ids" in params:
        asked.append((among("id"), _id_list(params["ids"])))
    if "externalDataKey" in params:
        asked.append((_external(params), ""))
    return [row for row in rows if all(keep(row, wanted) for keep, wanted in asked)]


def _id_list(text: str) -> str:
    if len(text.split(",")) > MOST_IDS:
        raise invalid(ids=f"At most {MOST_IDS} ids are expected.")
    return text


def _external(params: Params) -> Filter:
    guid = params.get("externalDataApplicationGuid", "")
    if not guid:
        raise invalid(externalDataApplicationGuid="Is required with externalDataKey.")
    values = params.get("externalDataValues", "").split(",")
    if len(values) > MOST_IDS:
        raise invalid(externalDataValues=f"At most {MOST_IDS} values are expected.")
    key = params["externalDataKey"]
    return lambda row, _wanted: row.get(EXTERNAL, {}).get(guid, {}).get(key) in values


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    sign, name = sort[:1], sort[1:]
    if sign not in {"+", "-", " "} or name not in _SORTS:  # "+" may arrive as a blank
        raise invalid(sort=f"{sort} is not supported.")
    key = _SORTS[name]
    return sorted(rows, key=lambda row: (row[key], row["id"]), reverse=sign == "-")


def _whole(params: Params, name: str, *, default: int, most: int) -> int:
    text = params.get(name, str(default))
    if not (text.isdigit() and 1 <= int(text) <= most):
        raise invalid(**{name: f"The value {text!r} is not valid."})
    return int(text)


def _beginning(text: str) -> tuple[int, str]:
    """Read `from`: after which version, and not before which time."""
    if not text:
        return 0, ""
    since = moment(text) or moment(f"{text}T00:00:00Z")
    if since is not None:
        return 0, since.strftime("%Y-%m-%dT%H:%M:%S")
    try:
        token = urlsafe_b64decode(text).decode()
    except ValueError:
        token = ""
    version = token.removeprefix(_TOKEN)
    if not (token.startswith(_TOKEN) and version.isdigit()):
        raise invalid(**{"from": "The continuation token is not valid."})
    return int(version), ""


def _time(value: str | None, wanted: str) -> int:
    """Compare two times: -1, 0 or 1; nothing lies before everything."""
    there, limit = moment(value or ""), moment(wanted)
    if limit is None:
        raise invalid(date=f"The value {wanted!r} is not a time in RFC 3339.")
    if there is None or there < limit:
        return -1
    return int(there > limit)
