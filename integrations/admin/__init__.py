"""Who outside is told of our events, as admins see them."""

from integrations.admin.conflicts import SyncConflictAdmin
from integrations.admin.connections import ConnectionAdmin
from integrations.admin.deposits import DepositAdmin
from integrations.admin.endpoints import WebhookEndpointAdmin
from integrations.admin.inbox import InboundEventAdmin
from integrations.admin.links import ExternalLinkAdmin

__all__ = [
    "ConnectionAdmin",
    "DepositAdmin",
    "ExternalLinkAdmin",
    "InboundEventAdmin",
    "SyncConflictAdmin",
    "WebhookEndpointAdmin",
]
