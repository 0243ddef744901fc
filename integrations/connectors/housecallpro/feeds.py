"""What is read again and again: what changed, and the calendar of the next days."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.connectors.housecallpro import reading
from integrations.connectors.housecallpro.wire import PAGE_SIZE, Row, rows_of
from integrations.connectors.port import Caller
from integrations.rules.things import Page, Remote

READERS: Mapping[str, tuple[str, str, Callable[[Row], Remote]]] = {
    "customer": ("/customers", "customers", reading.customer),
    "lead": ("/leads", "leads", reading.lead),
    "job": ("/jobs", "jobs", reading.job),
}
_CHANGES = {"customers": "customer", "leads": "lead", "jobs": "job"}
_NEWEST_FIRST = {"sort_by": "updated_at", "sort_direction": "desc"}


def poll(call: Caller, feed: str, cursor: str) -> Page:
    """Read on in a feed."""
    if feed == "employees":
        return _whole_list(
            call, "/employees", "employees", reading.employee, cursor, params={}
        )
    if feed == "schedule":
        return _whole_list(
            call, "/jobs", "jobs", reading.job, cursor, params=_next_days(call)
        )
    return _changes(call, _CHANGES[feed], cursor)


def _changes(call: Caller, what: str, cursor: str) -> Page:
    """Read a list that begins with the latest change, down to what was seen before.

    There is no "changed since". The cursor is `since|newest so far|page`; the newest
    becomes the mark only when the round is through, so that a round that is cut off
    leaves nothing out. What moves to the front while we read is newer than the mark
    and comes with the next round. The first round only sets the mark.
    """
    since, newest, at = [*cursor.split("|"), "", ""][:3]
    page = int(at or 1)
    path, name, reader = READERS[what]
    params = {**_NEWEST_FIRST, "page": page, "page_size": PAGE_SIZE}
    body = call("GET", path, params=params).json
    rows = rows_of(body, name)
    remotes = [reader(row) for row in rows]
    newest = max([newest, *(remote.version for remote in remotes)])
    fresh = [each for each in remotes if not since or each.version >= since]
    is_through = len(fresh) < len(remotes) or _is_last(body, page, rows)
    if since and not is_through:
        on = f"{since}|{newest}|{page + 1}"
        return Page(remotes=tuple(fresh), cursor=on, has_more=True)
    return Page(remotes=tuple(fresh), cursor=_mark(call, newest) or since)


def _whole_list(
    call: Caller,
    path: str,
    name: str,
    reader: Callable[[Row], Remote],
    cursor: str,
    *,
    params: Mapping[str, Any],
) -> Page:
    """Read all of a list, a page at a time, and begin again."""
    page = int(cursor or 1)
    asked = {**params, "page": page, "page_size": PAGE_SIZE}
    body = call("GET", path, params=asked).json
    rows = rows_of(body, name)
    remotes = tuple(reader(row) for row in rows)
    if _is_last(body, page, rows):
        return Page(remotes=remotes, cursor="")
    return Page(remotes=remotes, cursor=str(page + 1), has_more=True)


def _next_days(call: Caller) -> dict[str, str]:
    days = int(call.settings.get("schedule_days") or 14)
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0)
    return {
        "scheduled_start_min": f"{today - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "scheduled_start_max": f"{today + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}",
    }


def _is_last(body: Any, page: int, rows: list[Row]) -> bool:
    return not rows or page >= int(body.get("total_pages") or 0)


def _mark(call: Caller, newest: str) -> str:
    """Return from when on the next round reads: a little before the newest."""
    if not newest:
        return ""
    overlap = timedelta(minutes=int(call.settings.get("overlap_minutes") or 10))
    moment = datetime.fromisoformat(newest) - overlap
    return moment.isoformat(timespec="microseconds")
