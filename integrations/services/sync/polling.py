"""Ask vendors what is new, and put into the inbox what no webhook has told."""

import time
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from core.hints import ring
from integrations.connectors.registry import connector_of, offered_vendors
from integrations.models import Connection, ConnectionState, PollCursor
from integrations.rules.mapping import Rule
from integrations.rules.refusals import CallFailed
from integrations.rules.things import Remote
from integrations.services.connections import outcome_of_failure
from integrations.services.inbox import store_polled
from integrations.services.sync.mappings import rules_for
from integrations.services.sync.news import news_in
from integrations.services.sync.partners import Partner, partner_of
from integrations.services.sync.reading import end_turn, move_on, take_turn

log = structlog.get_logger(__name__)

# One reader reads so much at a time; what is left is read on the next turn.
MOST_PAGES = 20


@transaction.atomic
def poll_connections() -> int:
    """Ring for each connection that can be polled; return for how many.

    Each is polled by itself, so that one that is slow keeps nobody waiting.
    """
    active = Connection.objects.filter(
        state=ConnectionState.ACTIVE, vendor__in=offered_vendors()
    )
    polled = [
        connection.pk for connection in active if connector_of(connection.vendor).feeds
    ]
    for connection_id in polled:
        ring("integrations.tasks.poll_connection", connection_id=str(connection_id))
    return len(polled)


def poll_connection(*, connection_id: UUID, now: datetime, budget: timedelta) -> int:
    """Read on in those feeds of a connection that are due; return what was new.

    A vendor that does not answer is asked again on the next turn.
    """
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None or connection.state != ConnectionState.ACTIVE:
        return 0
    partner = partner_of(connection)
    ends = time.monotonic() + budget.total_seconds()
    found = 0
    for feed in partner.connector.feeds:
        if time.monotonic() >= ends:
            break
        try:
            found += _read_feed(partner, feed, ends=ends, now=now)
        except CallFailed as failure:
            outcome_of_failure(failure, connection=connection, now=now)
            log.warning("poll_failed", connection=str(connection_id), feed=feed)
            break
    return found


def _read_feed(partner: Partner, feed: str, *, ends: float, now: datetime) -> int:
    cursor = take_turn(
        connection=partner.connection, feed=feed, every=partner.connector.poll_every
    )
    if cursor is None:
        return 0
    found, is_done = 0, False
    try:
        for _ in range(MOST_PAGES):
            page = partner.connector.poll(partner.call, feed, cursor.cursor)
            new = _take_down(partner, cursor, page.remotes, to=page.cursor, now=now)
            if new is None:
                return found
            found += new
            is_done = not page.has_more or page.cursor == cursor.cursor
            cursor.cursor = page.cursor
            if is_done or time.monotonic() >= ends:
                break
    finally:
        end_turn(cursor, is_done=is_done)
    return found


@transaction.atomic
def _take_down(
    partner: Partner,
    cursor: PollCursor,
    remotes: tuple[Remote, ...],
    *,
    to: str,
    now: datetime,
) -> int | None:
    """Store the news of a page, and how far we have read; None: the turn is over."""
    found = store_news(partner.connection, remotes, now=now)
    if not move_on(cursor, to=to, found=found):
        transaction.set_rollback(True)
        return None
    return found


def store_news(
    connection: Connection, remotes: tuple[Remote, ...], *, now: datetime
) -> int:
    """Put into the inbox what is new to us; return how much. Needs a transaction."""
    rules: dict[str, list[Rule]] = {}
    found = 0
    for remote in remotes:
        if remote.kind not in rules:
            rules[remote.kind] = rules_for(connection=connection, kind=remote.kind)
        news = news_in(connection, remote, rules=rules[remote.kind], now=now)
        if news is None:
            continue
        body, key = news
        stored = store_polled(
            connection=connection, remote=remote, body=body, dedupe_key=key
        )
        found += stored is not None
    return found
