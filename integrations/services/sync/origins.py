"""Visits that a vendor's own people make there: which they are, and all of them."""

from collections.abc import Sequence
from datetime import datetime

from appointments.rules.states import Status
from integrations.connectors.origins import takes_in
from integrations.connectors.port import Originating
from integrations.connectors.registry import connector_of
from integrations.models import Connection
from integrations.rules.things import Remote
from integrations.services.calling import caller_for
from integrations.services.sync.applying.finding import which_of_ours
from integrations.services.sync.links import link_of

_AHEAD = frozenset({Status.SCHEDULED, Status.DISPATCHED})


def is_made_there(connection: Connection, remote: Remote, *, now: datetime) -> bool:
    """Tell whether it is a visit ahead of us that we do not know and want to."""
    if remote.kind != "appointment" or remote.is_gone:
        return False
    if not isinstance(connector_of(connection.vendor), Originating):
        return False
    begins = remote.fields.get("starts_at") or remote.fields.get("window_starts_at")
    return (
        takes_in(connection.settings)
        and remote.fields.get("status", Status.SCHEDULED) in _AHEAD
        and bool(begins)
        and datetime.fromisoformat(str(begins)) > now
        and link_of(connection=connection, remote=remote) is None
        and which_of_ours(remote) is None
    )


def read_whole(
    connection: Connection, remotes: Sequence[Remote], *, now: datetime
) -> list[Remote]:
    """Return the same, where a visit was made there with all that belongs to it.

    Asks the vendor; needs no transaction.

    Raises:
        CallFailed
    """
    return [
        _whole(connection, remote) if _is_bare(connection, remote, now=now) else remote
        for remote in remotes
    ]


def _is_bare(connection: Connection, remote: Remote, *, now: datetime) -> bool:
    return not remote.parents and is_made_there(connection, remote, now=now)


def _whole(connection: Connection, remote: Remote) -> Remote:
    connector = connector_of(connection.vendor)
    if not isinstance(connector, Originating):
        return remote
    return connector.whole(caller_for(connection), remote) or remote
