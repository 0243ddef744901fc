"""How times, states and links look to staff.

Times are shown by the wall clock of a branch, always with the zone's short name:
dispatchers of two zones look at one list.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString


class Tone(StrEnum):
    """The colours of badges; each always comes with a word."""

    PLAIN = "plain"
    CALM = "calm"  # light blue: planned
    READY = "ready"  # dark blue
    SENT = "sent"  # purple: on its way
    ACTIVE = "active"  # green: being done, or done well
    WAITING = "waiting"  # yellow
    DONE = "done"  # grey
    ALERT = "alert"  # red


def badge(text: str, tone: Tone, *, hint: str = "") -> SafeString:
    """Return a coloured word."""
    return format_html(
        '<span class="fb-badge fb-{}"{}>{}</span>',
        tone,
        format_html(' title="{}"', hint) if hint else "",
        text,
    )


def two_lines(first: str, second: str) -> SafeString:
    """Return a cell of two lines: what counts, and below it what it belongs to."""
    return format_html(
        '<span class="fb-two"><strong>{}</strong><span>{}</span></span>', first, second
    )


def link(url: str, text: str) -> SafeString:
    """Return a link as the lists show it."""
    return format_html('<a class="fb-link" href="{}">{}</a>', url, text)


def clock(moment: datetime, *, zone: ZoneInfo) -> str:
    """Return the wall time, as 9:05 AM."""
    local = moment.astimezone(zone)
    return f"{local:%I:%M %p}".lstrip("0")


def day(moment: datetime, *, zone: ZoneInfo) -> str:
    """Return the local day, as Tue, Mar 2, 2027."""
    local = moment.astimezone(zone)
    return f"{local:%a, %b} {local.day}, {local.year}"


def moment_text(moment: datetime | None, *, zone: ZoneInfo) -> str:
    """Return day, wall time and zone."""
    if moment is None:
        return "-"
    return f"{day(moment, zone=zone)}, {clock(moment, zone=zone)} {_name(moment, zone)}"


def hours_text(
    starts_at: datetime, ends_at: datetime, *, zone: ZoneInfo, named: bool = True
) -> str:
    """Return [start, end) within a day, as 9:00-11:00 AM MST; one minute is a start.

    The zone's name is left out where `named` is false: it is said nearby.
    """
    start, end = clock(starts_at, zone=zone), clock(ends_at, zone=zone)
    name = f" {_name(starts_at, zone)}" if named else ""
    if ends_at - starts_at <= timedelta(minutes=1):
        return f"{start}{name}"
    if start[-2:] == end[-2:]:
        start = start[:-3]
    return f"{start}\N{EN DASH}{end}{name}"


def window_text(starts_at: datetime, ends_at: datetime, *, zone: ZoneInfo) -> str:
    """Return day and hours in one line."""
    return f"{day(starts_at, zone=zone)}, {hours_text(starts_at, ends_at, zone=zone)}"


def length_text(minutes: int) -> str:
    """Return a length, as 1 h 30 min."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} min")
    return " ".join(parts)


def share_text(ratio: float) -> str:
    """Return a share in percent; almost all is never rounded up to all."""
    return "100 %" if ratio >= 1 else f"{int(ratio * 10_000) / 100:.2f} %"


def money_text(cents: int, *, currency: str) -> str:
    """Return an amount with its currency; dollars by their sign."""
    sign = "$" if currency == "USD" else f"{currency} "
    return f"{sign}{cents / 100:,.2f}"


def map_url(address: str, *, at: tuple[float, float] | None) -> str:
    """Return a link to a map: the point where it is known, else the address."""
    if at is None:
        query = urlencode({"query": address}, quote_via=quote)
        return f"https://www.openstreetmap.org/search?{query}"
    latitude, longitude = at
    return (
        f"https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"
        f"#map=17/{latitude}/{longitude}"
    )


def _name(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).tzname() or ""
