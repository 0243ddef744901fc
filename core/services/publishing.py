"""Hand events to those who listen, in order per thing."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from core.models import Event
from core.request_log import bind_request_id

log = structlog.get_logger(__name__)

# Waits after the first failure, the second, ...; after the last it is set aside.
RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200)
# So many commit together. More would hold what handlers lock for too long.
TOGETHER = 20


def publish_waiting(*, budget: timedelta) -> int:
    """Publish events until none is due or the budget is spent; return how many.

    Several workers may do so at once: each takes events that nobody has locked.
    """
    ends = time.monotonic() + budget.total_seconds()
    published = 0
    while time.monotonic() < ends and (told := _publish_some()):
        published += told
    return published


def _publish_some() -> int:
    """Publish a few events; return how many were taken, 0 if none is due.

    Handlers only write rows, so that their effect and the mark on the event commit
    together: an event is handled once. Of one thing there is one event at a time.
    """
    try:
        return _publish(tell=_tell)
    except Exception:  # noqa: BLE001  # one of them failed: again, each by itself
        return _publish(tell=_tell_alone)


@transaction.atomic
def _publish(*, tell: Callable[[Event], bool]) -> int:
    events = _next_events()
    told = [event.pk for event in events if tell(event)]
    Event.objects.filter(pk__in=told).update(
        published_at=Now(), attempts=F("attempts") + 1
    )
    return len(events)


def _tell(event: Event) -> bool:
    """Let each handler hear the event."""
    bind_request_id(event.request_id)
    for path in _handlers_of(event):
        import_string(path)(event)
    return True


def _tell_alone(event: Event) -> bool:
    """Let each handler hear the event; a failure undoes what they wrote."""
    try:
        with transaction.atomic():
            return _tell(event)
    except Exception as error:  # noqa: BLE001  # whatever it is, the others go on
        _set_back(event, error)
        return False


def _next_events() -> list[Event]:
    """Lock the oldest events that are due and the first to wait of their thing.

    Asked thing by thing, not as a join: see `OutboxQuerySet.in_turn`.
    """
    of_the_thing = Event.objects.waiting().filter(aggregate_id=OuterRef("aggregate_id"))
    first = of_the_thing.order_by("number").values("number")[:1]
    due = Event.objects.waiting().filter(
        number=Subquery(first), next_attempt_at__lte=Now()
    )
    return list(due.select_for_update(skip_locked=True).order_by("pk")[:TOGETHER])


def _handlers_of(event: Event) -> list[str]:
    if event.name not in settings.EVENT_HANDLERS:
        log.warning("event_unheard_of", event_name=event.name, event_id=event.pk)
    return settings.EVENT_HANDLERS.get(event.name, [])


def _set_back(event: Event, error: Exception) -> None:
    """Try the event again later, or set it aside for a person to look at.

    While it is tried, later events of the same thing wait; once it is set aside they
    go on without it.
    """
    said = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    change: dict[str, object] = {"attempts": event.attempts + 1, "last_error": said}
    tell = {"event_id": event.pk, "event_name": event.name, "exc_info": error}
    if event.attempts < len(RETRY_SECONDS):
        wait = timedelta(seconds=RETRY_SECONDS[event.attempts])
        change["next_attempt_at"] = Now() + wait
        log.warning("event_handler_failed", **tell)
    else:
        change["failed_at"] = Now()
        log.error("event_set_aside", **tell)
    Event.objects.filter(pk=event.pk).update(**change)
