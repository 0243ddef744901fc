"""Take in how far a text came, and what people answer."""

from datetime import datetime, timedelta

from core.errors import NotFound
from integrations.models import Connection, InboundEvent, InboundState
from integrations.rules.refusals import Postponed
from integrations.rules.things import Remote
from integrations.services.sync.applying.taking import TakenIn
from integrations.services.sync.mappings import actor_for
from notifications.models import CarrierStatus
from notifications.services import hear_reply, note_carrier

_STATUSES = {
    "accepted": CarrierStatus.QUEUED,
    "scheduled": CarrierStatus.QUEUED,
    "queued": CarrierStatus.QUEUED,
    "sending": CarrierStatus.QUEUED,
    "sent": CarrierStatus.SENT,
    "delivered": CarrierStatus.DELIVERED,
    "read": CarrierStatus.DELIVERED,
    "partially_delivered": CarrierStatus.DELIVERED,
    "undelivered": CarrierStatus.UNDELIVERED,
    "failed": CarrierStatus.FAILED,
    "canceled": CarrierStatus.FAILED,
}
# A callback may overtake the answer that told us the id.
_PATIENCE = timedelta(minutes=2)
_SOON = timedelta(seconds=5)


def apply_progress(
    *,
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Note how far a text has come. See `Applier`."""
    status = _STATUSES.get(str(remote.fields.get("status")))
    if status is None:
        return TakenIn(state=InboundState.IGNORED, note="A status of no meaning to us.")
    error = str(remote.fields.get("error") or "")
    try:
        is_news = note_carrier(
            provider_message_id=remote.remote_id,
            status=status,
            error=f"Carrier code {error}" if error else "",
        )
    except NotFound:
        if inbound is not None and now - inbound.received_at < _PATIENCE:
            raise Postponed(
                "Its message is just being sent.", retry_after=_SOON
            ) from None
        return TakenIn(state=InboundState.IGNORED, note="No message of ours.")
    if is_news:
        return TakenIn(state=InboundState.PROCESSED, note=f"Now {status}.")
    return TakenIn(state=InboundState.STALE, note="It had come further before.")


def apply_reply(
    *,
    connection: Connection,
    remote: Remote,
    inbound: InboundEvent | None,
    now: datetime,
) -> TakenIn:
    """Keep what somebody answered, and do what it asks for. See `Applier`."""
    opt_out = str(remote.fields.get("opt_out") or "").upper()
    reply = hear_reply(
        provider_message_id=remote.remote_id,
        sender=str(remote.fields["from"])[:16],
        body=str(remote.fields.get("body") or ""),
        source=connection.vendor,
        actor=actor_for(connection),
        now=now,
        stops=opt_out == "STOP",
        starts=opt_out == "START",
    )
    return TakenIn(state=InboundState.PROCESSED, note=f"A reply: {reply.meaning}.")
