"""What polling hears: is it news, or do we know it already?"""

from datetime import datetime

from integrations.models import Connection, ExternalLink
from integrations.rules.mapping import Rule, taken_in
from integrations.rules.merging import is_older
from integrations.rules.things import Remote
from integrations.services.sync.applying import APPLIERS, members
from integrations.services.sync.applying.finding import which_of_ours
from integrations.services.sync.conflicts import unsolved
from integrations.services.sync.links import link_of, rows_beside
from integrations.services.sync.origins import is_made_there
from integrations.services.sync.polled import body_of, dedupe_key


def news_in(
    connection: Connection, remote: Remote, *, rules: list[Rule], now: datetime
) -> tuple[bytes, str] | None:
    """Return what the inbox keeps of a thing of theirs, if it says anything new.

    That is the body, and by what the same news is known again.
    """
    if remote.kind not in APPLIERS:
        return None
    if remote.told_as:  # stored once, whether the callback or the feed is faster
        return body_of(remote), remote.told_as
    link = link_of(connection=connection, remote=remote)
    if remote.kind == members.KIND:
        is_wanted, seen_at = members.is_news(remote, link=link), None
    elif link is None:
        is_known = which_of_ours(remote) is not None
        is_wanted = is_known or is_made_there(connection, remote, now=now)
        seen_at = None
    else:
        main = _main_of(link)
        is_wanted = _is_new(main, link, remote, rules)
        seen_at = main.seen_at
    return (body_of(remote), dedupe_key(remote, seen_at=seen_at)) if is_wanted else None


def _is_new(
    main: ExternalLink, link: ExternalLink, remote: Remote, rules: list[Rule]
) -> bool:
    if remote.is_gone or main.is_gone:
        return remote.is_gone != main.is_gone
    if link.remote_type == remote.remote_type and is_older(
        remote.version, link.remote_version
    ):
        return False
    said, unread = taken_in(rules, remote.fields)
    known = {**main.agreed, **unsolved(main)}
    incoming = {rule.field for rule in rules if rule.comes_in}
    return any(
        known.get(field) != value
        for field, value in (
            *((field, value) for field, value in said.items() if field in incoming),
            *((each.field, each.value) for each in unread),
        )
    )


def _main_of(link: ExternalLink) -> ExternalLink:
    return rows_beside(link).order_by("pk").first() or link
