"""Subscribers, connections, and what is on its way to anybody."""

from integrations.selectors.connections import (
    connections,
    credentials_set,
    mappings_of,
    messages_for,
)
from integrations.selectors.endpoints import (
    deliveries,
    deliveries_to,
    endpoints,
    event_names,
)

__all__ = [
    "connections",
    "credentials_set",
    "deliveries",
    "deliveries_to",
    "endpoints",
    "event_names",
    "mappings_of",
    "messages_for",
]
