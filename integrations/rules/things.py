"""What the house and a vendor say to each other, in our own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

Fields = Mapping[str, Any]
"""Flat JSON values; instants RFC 3339 in UTC, phones E.164, money in minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One of ours as it stands now: what a vendor is to know of it.

    `reference` is what we leave at the vendor to find it again: unique, and printable.
    A visit's `parents` are its customer, whom the vendor has to know first.
    """

    kind: str
    """lead, customer, appointment, ..."""
    id: UUID
    reference: str
    fields: Fields
    parents: tuple["Thing", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One of theirs, as a connector read it, translated as far as it could be.

    `also` names further ids that belong to the same thing, by remote type: a job has
    its first appointment. `reference` is ours, where the vendor kept it. `told_as` is
    the id of the callback that tells the very same, where a feed names that. A visit
    that was made there and read whole has its customer and its address as `parents`.
    """

    kind: str
    """Which of our kinds it is: lead, customer, appointment, message, payment, ..."""
    remote_type: str
    remote_id: str
    fields: Fields = field(default_factory=dict)
    version: str = ""
    """Theirs: orders two states of one thing as text, or is empty."""
    changed_at: datetime | None = None
    reference: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    is_gone: bool = False
    told_as: str = ""
    parents: tuple["Remote", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a feed had to say, and where to go on reading."""

    remotes: tuple[Remote, ...]
    cursor: str
    has_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A callback as it came: the very bytes, and the few headers that were kept."""

    event_type: str
    headers: Mapping[str, str]
    body: bytes
    occurred_at: datetime | None = None
