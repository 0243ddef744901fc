"""How a visit looks in a list and on its page."""

from datetime import datetime

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from appointments.models import Appointment, Assignment
from appointments.rules.states import NOT_THERE, OPEN, Status, Step
from core.admin.display import Tone, badge, day, hours_text, two_lines
from leads.models import Property

# Fixed, as dispatchers know them from elsewhere.
TONES = {
    Status.HELD: Tone.PLAIN,
    Status.REQUESTED: Tone.WAITING,
    Status.SCHEDULED: Tone.CALM,
    Status.DISPATCHED: Tone.SENT,
    Status.EN_ROUTE: Tone.READY,
    Status.ON_SITE: Tone.ACTIVE,
    Status.PAUSED: Tone.WAITING,
    Status.COMPLETED: Tone.DONE,
    Status.INCOMPLETE: Tone.ALERT,
    Status.CANCELLED: Tone.PLAIN,
    Status.NO_SHOW: Tone.ALERT,
}
STEP_TONES = {
    Step.ASSIGNED: Tone.CALM,
    Step.DISPATCHED: Tone.SENT,
    Step.ACCEPTED: Tone.SENT,
    Step.DECLINED: Tone.ALERT,
    Step.EN_ROUTE: Tone.READY,
    Step.ON_SITE: Tone.ACTIVE,
    Step.PAUSED: Tone.WAITING,
    Step.DONE: Tone.DONE,
}


def words(name: str) -> str:
    """Return a state's name as one says it."""
    return name.replace("_", " ").capitalize()


def is_late(visit: Appointment, *, now: datetime) -> bool:
    """Tell whether the promised window has passed and nobody is there."""
    return visit.status in NOT_THERE and visit.window_ends_at <= now


def status_badges(visit: Appointment, *, now: datetime) -> SafeString:
    """Return the status, and beside it whether the visit is late."""
    status = Status(visit.status)
    badges = [badge(words(status), TONES[status])]
    if is_late(visit, now=now):
        badges.append(badge("Late", Tone.ALERT, hint="The window has passed"))
    return format_html_join(" ", "{}", ((one,) for one in badges))


def arrival(visit: Appointment) -> SafeString:
    """Return the promise by the clock of the branch: hours, and the day below."""
    zone = visit.location.time_zone
    hours = hours_text(visit.window_starts_at, visit.window_ends_at, zone=zone)
    return two_lines(hours, day(visit.window_starts_at, zone=zone))


def crew(visit: Appointment) -> SafeString | str:
    """Return who is on it; of `visits_with_people`."""
    if is_unassigned(visit):
        return badge("Unassigned", Tone.ALERT)
    shown = _held(visit) or visit.crew  # type: ignore[attr-defined]  # prefetched
    return ", ".join(row.technician.name for row in shown) or "-"


def is_unassigned(visit: Appointment) -> bool:
    """Tell whether it is open and nobody is on it; of `visits_with_people`."""
    return visit.status in OPEN and not _held(visit)


def _held(visit: Appointment) -> list[Assignment]:
    return [row for row in visit.crew if row.released_at is None]  # type: ignore[attr-defined]  # prefetched


def address_line(place: Property) -> str:
    """Return the address in one line."""
    street = f"{place.line1}, {place.line2}" if place.line2 else place.line1
    return f"{street}, {place.city}, {place.region} {place.postal_code}"
