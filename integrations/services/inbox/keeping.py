"""How long we keep what vendors said."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from integrations.models import InboundEvent, InboundState

KEPT_FOR = timedelta(days=30)  # as long as a repetition is known for one
DEAD_KEPT_FOR = timedelta(days=90)


def finished_callbacks(now: datetime) -> QuerySet[InboundEvent]:
    """Return what nobody asks about any more."""
    dead = Q(state=InboundState.DEAD)
    return InboundEvent.objects.filter(
        dead & Q(finished_at__lt=now - DEAD_KEPT_FOR)
        | ~dead & Q(finished_at__lt=now - KEPT_FOR)
    )
