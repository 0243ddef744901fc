"""Tell a vendor of one of our things as it stands now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core.models import OutboxMessage
from core.models.outbox import AttemptOutcome
from core.outbox import Outcome
from integrations.connectors.port import Known, only_at_creation
from integrations.models import Connection, ConnectionState, ExternalLink
from integrations.rules.mapping import NotMapped, body_of, told
from integrations.rules.merging import Clash
from integrations.rules.refusals import CallFailed, NotYet, Refused
from integrations.rules.things import Remote, Thing
from integrations.services.connections import outcome_of_failure
from integrations.services.sync.applying import take_in
from integrations.services.sync.conflicts import note_conflict
from integrations.services.sync.crew import ready_rules
from integrations.services.sync.linking import ensure
from integrations.services.sync.links import TakenByOther, agree
from integrations.services.sync.partners import Partner, partner_of
from integrations.services.sync.records import is_over, thing_of

_CONFLICT = 409
# People at the vendor move these all day long.
_LOOKED_AT = "appointment"
# After the visit its crew is read, and then it is changed.
_CALLS_AFTER = 2
_NOT_THERE = frozenset({404, 410})
_ABSENT = object()


def deliver_sync(message: OutboxMessage, *, now: datetime) -> Outcome:
    """Bring a vendor up to date about the message's thing; twice is as good as once.

    The body is made of the rows as they are at this moment: newest state wins.
    """
    connection = Connection.objects.filter(pk=message.destination).first()
    if connection is None:
        return _unwanted("The connection is gone.")
    if connection.state != ConnectionState.ACTIVE:
        because = connection.attention or "The connection is paused."
        return Outcome(kind=AttemptOutcome.PARKED, error=because)
    thing = thing_of(kind=message.aggregate_type, object_id=message.aggregate_id)
    if thing is None:
        return _unwanted("It is gone here.")
    return _try(connection, thing, now=now)


def _try(connection: Connection, thing: Thing, *, now: datetime) -> Outcome:
    try:
        said = push(partner_of(connection), thing, now=now)
    except NotYet as refusal:
        return _unwanted(str(refusal))
    except (NotMapped, TakenByOther) as refusal:
        return Outcome(kind=AttemptOutcome.REJECTED, error=str(refusal))
    except CallFailed as failure:
        return outcome_of_failure(failure, connection=connection, now=now)
    return Outcome(kind=AttemptOutcome.OK, response_excerpt=said)


def push(partner: Partner, thing: Thing, *, now: datetime) -> str:
    """Have the vendor know the thing as it is; say what was done.

    Raises:
        CallFailed, NotMapped, TakenByOther
    """
    link, known = ensure(partner, thing, now=now)
    if link.is_gone:
        raise NotYet("It is gone there; the conflict asks what to do.")
    news = _news(partner, thing, link)
    if news and thing.kind == _LOOKED_AT:
        thing, news = _look_first(partner, thing, link, now=now)
    if not news:
        return "Nothing new."
    try:
        _tell(partner, thing, link, known, news)
    except Refused as refusal:
        if refusal.status in _NOT_THERE:
            _take_in(partner, _gone(link, thing), now=now)
            raise
        if refusal.status != _CONFLICT:
            raise
        return _agree_anew(partner, thing, link, refusal, now=now)
    return f"Told: {', '.join(sorted(news))}."


def _news(partner: Partner, thing: Thing, link: ExternalLink) -> dict[str, Any]:
    """Return what they have not been told yet. An echo has no news in it."""
    settled = only_at_creation(partner.connector, thing.kind)
    over = is_over(thing)  # then it only matters that it is
    return {
        field: value
        for field, value in told(partner.rules(thing.kind), thing.fields).items()
        if field not in settled
        and (field == "status" or not over)
        and link.agreed.get(field, _ABSENT) != value
    }


def _look_first(
    partner: Partner, thing: Thing, link: ExternalLink, *, now: datetime
) -> tuple[Thing, dict[str, Any]]:
    """Merge what is there now, and return what is left to be told.

    What we have to say may have waited while they moved the visit: told blindly it
    would undo their newer word, and nobody would ever know. Between the look and what
    is told then we do not wait for a turn either.
    """
    partner.call.reserve(_CALLS_AFTER)
    there = partner.connector.fetch(partner.call, link.remote_type, link.remote_id)
    if there is None:
        return thing, _news(partner, thing, link)  # telling it finds out
    _take_in(partner, there, now=now)
    link.refresh_from_db()
    fresh = thing_of(kind=thing.kind, object_id=thing.id) or thing
    return fresh, _news(partner, fresh, link)


def _tell(
    partner: Partner,
    thing: Thing,
    link: ExternalLink,
    known: Known,
    news: Mapping[str, Any],
) -> None:
    rules = ready_rules(partner, thing)
    remote = partner.connector.update(
        partner.call,
        thing,
        known,
        body_of(rules, thing.fields),
        frozenset(news),
    )
    agree(link=link, on=news, remote=remote)


def _agree_anew(
    partner: Partner,
    thing: Thing,
    link: ExternalLink,
    refusal: Refused,
    *,
    now: datetime,
) -> str:
    """They say that it clashes with their state: read that, and look again.

    What is still to be told then, and what they refuse, is for a person to decide.
    """
    there = partner.connector.fetch(partner.call, link.remote_type, link.remote_id)
    _take_in(partner, there or _gone(link, thing), now=now)
    fresh = thing_of(kind=thing.kind, object_id=thing.id)
    link.refresh_from_db()
    if fresh is None or link.is_gone:
        raise refusal
    news = _news(partner, fresh, link)
    if news:
        _note_refused(link, news, refusal, now=now)
        raise refusal
    return "They had it already, or moved on; both agree now."


@transaction.atomic
def _note_refused(
    link: ExternalLink, news: Mapping[str, Any], refusal: Refused, *, now: datetime
) -> None:
    locked = ExternalLink.objects.select_for_update().get(pk=link.pk)
    for field, value in news.items():
        theirs = locked.agreed.get(field)
        clash = Clash(field=field, agreed=theirs, ours=value, theirs=theirs)
        note_conflict(link=locked, clash=clash, now=now, why=f"They refuse: {refusal}")


def _take_in(partner: Partner, remote: Remote, *, now: datetime) -> None:
    take_in(connection=partner.connection, remotes=[remote], inbound=None, now=now)


def _gone(link: ExternalLink, thing: Thing) -> Remote:
    return Remote(
        kind=thing.kind,
        remote_type=link.remote_type,
        remote_id=link.remote_id,
        is_gone=True,
    )


def _unwanted(why: str) -> Outcome:
    return Outcome(kind=AttemptOutcome.UNWANTED, error=why)
