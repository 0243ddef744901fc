"""A connection at work: whom we talk to, how, and by which mapping."""

from dataclasses import dataclass

from integrations.connectors.port import Connector
from integrations.connectors.registry import connector_of
from integrations.models import Connection
from integrations.rules.mapping import Rule
from integrations.services.calling import VendorCaller, caller_for
from integrations.services.sync.mappings import rules_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A vendor that we can call: the connector knows its words, `call` its address."""

    connection: Connection
    connector: Connector
    call: VendorCaller

    def rules(self, kind: str) -> list[Rule]:
        """Return the mapping of one kind of things."""
        return rules_for(connection=self.connection, kind=kind)


def partner_of(connection: Connection) -> Partner:
    """Return a connection ready for calls."""
    connector = connector_of(connection.vendor)
    return Partner(
        connection=connection,
        connector=connector,
        call=caller_for(connection, connector=connector),
    )
