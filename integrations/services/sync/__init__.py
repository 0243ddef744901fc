"""Keep our things and a vendor's in agreement, whoever changes them."""

from integrations.services.sync.applying import TakenIn, take_in
from integrations.services.sync.origins import read_whole
from integrations.services.sync.polled import remotes_in
from integrations.services.sync.polling import poll_connection, poll_connections
from integrations.services.sync.pushing import deliver_sync
from integrations.services.sync.reconciling import (
    reconcile_connection,
    reconcile_connections,
)
from integrations.services.sync.resolving import StillNotPossible, resolve_conflict
from integrations.services.sync.telling import sync_to_vendors, tell

__all__ = [
    "StillNotPossible",
    "TakenIn",
    "deliver_sync",
    "poll_connection",
    "poll_connections",
    "read_whole",
    "reconcile_connection",
    "reconcile_connections",
    "remotes_in",
    "resolve_conflict",
    "sync_to_vendors",
    "take_in",
    "tell",
]
