"""Who outside we work with: subscribers, and connections to vendors."""

from integrations.models.connections import (
    Breaker,
    Connection,
    ConnectionHealth,
    ConnectionState,
    Vendor,
)
from integrations.models.deposits import Deposit, DepositState
from integrations.models.endpoints import WebhookEndpoint
from integrations.models.inbox import InboundEvent, InboundState, Source
from integrations.models.links import ExternalLink, PollCursor
from integrations.models.mapping import Direction, FieldMapping, SyncConflict, Winner
from integrations.models.travel import TravelMinutes

__all__ = [
    "Breaker",
    "Connection",
    "ConnectionHealth",
    "ConnectionState",
    "Deposit",
    "DepositState",
    "Direction",
    "ExternalLink",
    "FieldMapping",
    "InboundEvent",
    "InboundState",
    "PollCursor",
    "Source",
    "SyncConflict",
    "TravelMinutes",
    "Vendor",
    "WebhookEndpoint",
    "Winner",
]
