"""What has become of a thing, from its events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from core.admin.display import Tone, moment_text
from core.models import Event

MOST = 100  # steps on a page
Titles = Mapping[str, tuple[str, Tone]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step of the history."""

    title: str
    tone: Tone
    who: str
    when: str
    reason: str
    changes: list[str] = field(default_factory=list)


def entry_of(
    event: Event, *, titles: Titles, zone: ZoneInfo, changes: Iterable[str] = ()
) -> Entry:
    """Return an event as a step that one can read."""
    title, tone = titles.get(event.name, (_title(event.name), Tone.PLAIN))
    return Entry(
        title=title,
        tone=tone,
        who=event.actor_label or event.actor_role,
        when=moment_text(event.occurred_at, zone=zone),
        reason=event.reason,
        changes=list(changes),
    )


def history_of(
    aggregate_type: str, aggregate_id: UUID, *, titles: Titles, zone: ZoneInfo
) -> list[Entry]:
    """Return a thing's last steps, the latest first."""
    events = Event.objects.of(aggregate_type, aggregate_id).order_by("-number")[:MOST]
    return [entry_of(event, titles=titles, zone=zone) for event in events]


def _title(name: str) -> str:
    """Return the name of an event that has no title: `lead.contacted`, Contacted."""
    return name.partition(".")[2].replace("_", " ").capitalize()
