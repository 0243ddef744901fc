"""What waits for somebody, counted for the sidebar and the first page."""

from typing import Any
from uuid import UUID

from django.db.models import Count

from core.actors import Actor
from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.models import (
    Deposit,
    DepositState,
    InboundEvent,
    InboundState,
    SyncConflict,
)
from leads.models import Lead, LeadStatus
from notifications.models import Notification, Reply

MOST = 99  # nobody counts further on a badge


def count(rows: Any) -> int:
    """Count rows, but no further than one more than a badge shows."""
    return int(rows.order_by()[: MOST + 1].count())


def new_leads(*, actor: Actor) -> int:
    """Return how many leads nobody has answered."""
    return count(Lead.objects.visible_to(actor).filter(status=LeadStatus.NEW))


def new_leads_by_branch(*, actor: Actor) -> dict[UUID | None, int]:
    """Return the same by branch; None stands for addresses that nobody serves."""
    new = Lead.objects.visible_to(actor).filter(status=LeadStatus.NEW)
    rows = new.order_by().values("location").annotate(total=Count("pk"))
    return {row["location"]: row["total"] for row in rows}


def failed_messages(*, actor: Actor) -> int:
    """Return how many messages to customers were given up."""
    visible = Notification.objects.visible_to(actor)
    return count(visible.filter(delivery__status=OutboxStatus.DEAD))


def waiting_replies(*, actor: Actor) -> int:
    """Return how many texts of customers wait for somebody."""
    return count(Reply.objects.visible_to(actor).waiting())


def dead_deliveries() -> int:
    """Return how many messages to anybody were given up."""
    return count(OutboxMessage.objects.filter(status=OutboxStatus.DEAD))


def dead_callbacks() -> int:
    """Return how much of what vendors said was given up."""
    return count(InboundEvent.objects.filter(state=InboundState.DEAD))


def open_conflicts() -> int:
    """Return how many edits of vendors wait for somebody to decide."""
    needing = SyncConflict.objects.filter(
        resolved_at=None, kind=SyncConflict.Kind.NOT_POSSIBLE
    )
    return count(needing)


def deposits_to_look_at(*, actor: Actor) -> int:
    """Return how many deposits wait for a person."""
    visible = Deposit.objects.visible_to(actor)
    return count(visible.filter(state=DepositState.NEEDS_ATTENTION))
