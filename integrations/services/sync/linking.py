"""See to it that a vendor has a thing, and has it once: find it, or create it.

Whoever creates first writes down that he is about to, in a transaction of its own. A
worker that dies between the vendor's answer and our row leaves that claim behind, and
the next one searches before it creates.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from integrations.connectors.port import Known, may_be_shared
from integrations.models import ExternalLink
from integrations.rules.mapping import body_of, told
from integrations.rules.refusals import Busy, CallFailed, NoAnswer, NotYet
from integrations.rules.things import Remote, Thing
from integrations.services.sync import links
from integrations.services.sync.applying.merged import apply
from integrations.services.sync.crew import ready_rules
from integrations.services.sync.partners import Partner

_TOO_MANY = 429


def ensure(
    partner: Partner, thing: Thing, *, now: datetime
) -> tuple[ExternalLink, Known]:
    """Return the link of a thing that the vendor has, its parents before it.

    Raises:
        CallFailed, NotMapped, TakenByOther
    """
    parents = known_parents(partner, thing, now=now)
    rows = links.links_of(connection=partner.connection, thing=thing)
    if not rows or not rows[0].remote_id:
        _begin(partner, thing, parents=parents, now=now)
        rows = links.links_of(connection=partner.connection, thing=thing)
    return rows[0], links.known_of(rows, parents=parents)


def known_parents(
    partner: Partner, thing: Thing, *, now: datetime
) -> Mapping[str, Known]:
    """Make sure of the parents that this vendor keeps; return what is known of them."""
    return {
        parent.kind: ensure(partner, parent, now=now)[1]
        for parent in thing.parents
        if parent.kind in partner.connector.kinds
    }


def _begin(
    partner: Partner, thing: Thing, *, parents: Mapping[str, Known], now: datetime
) -> None:
    """Find or create a thing that is not linked yet."""
    link, may_be_there = links.claim(connection=partner.connection, thing=thing)
    if link.remote_id:
        return
    known = Known(parents=parents)
    try:
        found = None
        if may_be_there or thing.kind in partner.connector.finds_first:
            found = _find(partner, thing, known, link)
        if found is None:
            _create(partner, thing, known, link)
    except CallFailed as failure:
        was_sent = may_be_there or _may_have_been_done(failure)
        links.give_up(link, was_it_sent=was_sent)
        raise
    if found is not None:
        _adopt(partner, link, found, now=now)


def _find(
    partner: Partner, thing: Thing, known: Known, link: ExternalLink
) -> Remote | None:
    found = partner.connector.find(partner.call, thing, known)
    if found is None or links.other_with(link, found) is not None:
        return None  # somebody else's, such as of a household with one e-mail
    return found


def _create(partner: Partner, thing: Thing, known: Known, link: ExternalLink) -> None:
    rules = ready_rules(partner, thing)
    links.renew(link)
    remote = partner.connector.create(
        partner.call, thing, known, body_of(rules, thing.fields)
    )
    try:
        links.make(
            link=link,
            remote=remote,
            origin=ExternalLink.Origin.CREATED,
            agreed=told(rules, thing.fields),
        )
    except links.TakenByOther as refusal:
        if not may_be_shared(partner.connector, thing.kind):
            raise
        raise NotYet(str(refusal)) from refusal


@transaction.atomic
def _adopt(
    partner: Partner, link: ExternalLink, found: Remote, *, now: datetime
) -> None:
    """Link what was found, and merge what they say: nothing is agreed on yet."""
    links.make(link=link, remote=found, origin=ExternalLink.Origin.FOUND, agreed={})
    apply(connection=partner.connection, remote=found, inbound=None, now=now)


def _may_have_been_done(failure: CallFailed) -> bool:
    """Tell whether the vendor may have created it all the same."""
    if isinstance(failure, Busy):
        return failure.status != _TOO_MANY
    return isinstance(failure, NoAnswer)
