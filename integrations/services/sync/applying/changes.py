"""What an applier is asked to write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import DomainError
from integrations.rules.things import Fields, Remote, Thing

DOES_NOT_COME_IN = "This field does not come in; change it here by hand."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Fields of theirs that are to become ours, in our words."""

    thing: Thing
    fields: Fields
    remote: Remote
    actor: Actor
    now: datetime


def attempt(work: Callable[[], Any]) -> str:
    """Do a piece of work that a rule may refuse; return why, or "" when it is done."""
    try:
        with transaction.atomic():
            work()
    except DomainError as refusal:
        return str(refusal)
    return ""


def all_for(fields: Mapping[str, Any] | set[str], why: str) -> dict[str, str]:
    """Return one reason for all of these fields, or nothing where there is none."""
    return dict.fromkeys(fields, why) if why else {}
