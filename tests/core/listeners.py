"""Handlers of events, for the tests of publishing."""

from core.models import Event
from core.outbox import enqueue

heard: list[int] = []


class Trouble(Exception):
    """What a broken handler raises."""


def pass_on(event: Event) -> None:
    """Write one message for the event."""
    enqueue(
        kind="test",
        destination="listener",
        of=(event.aggregate_type, event.aggregate_id),
        payload={"n": event.number},
        event=event,
    )


def listen(event: Event) -> None:
    heard.append(event.number)


def fail(event: Event) -> None:
    """Write something, and then fail."""
    pass_on(event)
    raise Trouble("no\0 luck")


def die(event: Event) -> None:
    """Take the whole worker down."""
    raise SystemExit("kill -9")


def fail_first(event: Event) -> None:
    """Fail for the first event of each thing."""
    if event.number == 1:
        raise Trouble("not this one")
    heard.append(event.number)
