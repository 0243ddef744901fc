"""What customers hear of: bookings, new times, cancellations, and who is coming."""

from appointments.rules.states import Status
from core.models import Event
from notifications import services
from notifications.rules.relevance import Kind

_NEWS = {Status.EN_ROUTE: Kind.ON_THE_WAY, Status.COMPLETED: Kind.THANKS}


def confirm_booking(event: Event) -> None:
    """Confirm a visit."""
    services.write_messages(event=event, kind=Kind.CONFIRMATION)


def confirm_request(event: Event) -> None:
    """Say that the wish has arrived, and that the office will answer."""
    services.write_messages(event=event, kind=Kind.REQUEST)


def tell_refusal(event: Event) -> None:
    """Tell that the office cannot do what was asked for."""
    services.write_messages(event=event, kind=Kind.REFUSAL)


def tell_new_time(event: Event) -> None:
    """Tell the new time, where the promise has changed: the plan is our own matter."""
    before, now = event.data["previous"], event.data
    promise = ("window_starts_at", "window_ends_at")
    if any(before[moment] != now[moment] for moment in promise):
        services.write_messages(event=event, kind=Kind.NEW_TIME)


def tell_cancellation(event: Event) -> None:
    """Tell that nobody comes."""
    services.write_messages(event=event, kind=Kind.CANCELLATION)


def tell_progress(event: Event) -> None:
    """Tell that the technician is on the way, and say thanks in the end."""
    status = Status(event.data["status"])
    if status in _NEWS and event.data["previous"]["status"] != status:
        services.write_messages(event=event, kind=_NEWS[status])
