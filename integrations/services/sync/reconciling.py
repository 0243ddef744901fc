"""Look at linked visits one by one, for changes that moved no time of change.

A feed tells what the vendor says has changed. This does not trust that: it reads the
visits of the next days as they are there, some at a time, and goes round.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from appointments.models import Appointment
from core.hints import ring
from integrations.connectors.registry import connector_of, offered_vendors
from integrations.models import Connection, ConnectionState, ExternalLink, PollCursor
from integrations.rules.refusals import CallFailed
from integrations.rules.things import Remote
from integrations.services.connections import outcome_of_failure
from integrations.services.sync.partners import Partner, partner_of
from integrations.services.sync.polling import store_news
from integrations.services.sync.reading import end_turn, move_on, take_turn

log = structlog.get_logger(__name__)

AT_ONCE = 25
EVERY = timedelta(minutes=1)
# Beside the feeds of the vendor, one of our own: how far we have come in our round.
ROUND = "reconcile"
_KIND = "appointment"


@transaction.atomic
def reconcile_connections() -> int:
    """Ring for each connection that keeps visits; return for how many."""
    active = Connection.objects.filter(
        state=ConnectionState.ACTIVE, vendor__in=offered_vendors()
    )
    keeping = [
        connection.pk
        for connection in active
        if _KIND in connector_of(connection.vendor).kinds
    ]
    for connection_id in keeping:
        ring(
            "integrations.tasks.reconcile_connection", connection_id=str(connection_id)
        )
    return len(keeping)


def reconcile_connection(*, connection_id: UUID, now: datetime) -> int:
    """Read the next few visits as they are there; return how many were news."""
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None or connection.state != ConnectionState.ACTIVE:
        return 0
    turn = take_turn(connection=connection, feed=ROUND, every=EVERY)
    if turn is None:
        return 0
    is_done = False
    try:
        found = _look(partner_of(connection), turn, now=now)
        is_done = True
    except CallFailed as failure:
        outcome_of_failure(failure, connection=connection, now=now)
        log.warning("reconcile_failed", connection=str(connection_id))
        return 0
    finally:
        end_turn(turn, is_done=is_done)
    return found


def _look(partner: Partner, turn: PollCursor, *, now: datetime) -> int:
    """Look at the next few; after the last of all the round begins anew."""
    after = int(turn.cursor or 0)
    links = list(_next_links(partner.connection, after=after, now=now))
    found = 0
    for link, remote in _as_they_are(partner, links):
        with transaction.atomic():
            new = store_news(partner.connection, (remote,), now=now)
            move_on(turn, to=str(link.pk), found=new)
        found += new
    if len(links) < AT_ONCE:
        move_on(turn, to="", found=0)
    return found


def _next_links(
    connection: Connection, *, after: int, now: datetime
) -> Iterable[ExternalLink]:
    """Return the next main links of visits ahead of us, and of their customers."""
    ahead = Appointment.objects.open().filter(starts_at__gte=now - timedelta(days=1))
    rows = ExternalLink.objects.filter(connection=connection)
    further = rows.filter(
        object_type=OuterRef("object_type"),
        object_id=OuterRef("object_id"),
        pk__lt=OuterRef("pk"),
    )
    return (
        rows.filter(
            Q(object_type="appointment", object_id__in=ahead.values("pk"))
            | Q(object_type="customer", object_id__in=ahead.values("customer")),
            ~Exists(further),
            claimed_until=None,
            is_gone=False,
            pk__gt=after,
        )
        .exclude(remote_id="")
        .order_by("pk")[:AT_ONCE]
    )


def _as_they_are(
    partner: Partner, links: Iterable[ExternalLink]
) -> Iterable[tuple[ExternalLink, Remote]]:
    """Yield each link with what the vendor has."""
    for link in links:
        there = partner.connector.fetch(partner.call, link.remote_type, link.remote_id)
        gone = Remote(
            kind=link.object_type,
            remote_type=link.remote_type,
            remote_id=link.remote_id,
            is_gone=True,
        )
        yield link, there or gone
