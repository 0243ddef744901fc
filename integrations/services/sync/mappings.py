"""The mapping of a connection, whom it serves, and in whose name it acts."""

from uuid import UUID

from core.actors import Actor, Role
from integrations.models import Connection, Direction, ExternalLink, FieldMapping
from integrations.rules.mapping import Rule, knowing


def rules_for(*, connection: Connection, kind: str) -> list[Rule]:
    """Return the mapping of one kind of things, knowing all linked technicians."""
    rows = FieldMapping.objects.filter(connection=connection, object_type=kind)
    rules = [_rule(row) for row in rows.order_by("field")]
    if not any(rule.field == "technicians" for rule in rules):
        return rules
    known = technician_ids(connection)
    return [
        knowing(rule, known) if rule.field == "technicians" else rule for rule in rules
    ]


def technician_ids(connection: Connection) -> dict[str, str]:
    """Return the vendor's ids of our technicians, by ours."""
    rows = ExternalLink.objects.filter(
        connection=connection, object_type="technician"
    ).exclude(remote_id="")
    return {
        str(ours): theirs for ours, theirs in rows.values_list("object_id", "remote_id")
    }


def actor_for(connection: Connection) -> Actor:
    """Return who acts where a vendor's change becomes ours."""
    only = connection.location_id
    return Actor(
        role=Role.INTEGRATION,
        label=connection.name,
        location_ids=None if only is None else frozenset({only}),
    )


def serves(connection: Connection, location_id: UUID | None) -> bool:
    """Tell whether things of that branch belong to the connection."""
    return connection.location_id in {None, location_id}


def _rule(row: FieldMapping) -> Rule:
    return Rule(
        kind=row.object_type,
        field=row.field,
        remote=row.remote,
        goes_out=row.direction != Direction.IN,
        comes_in=row.direction != Direction.OUT,
        winner=row.winner,
        choices=row.choices,
    )
