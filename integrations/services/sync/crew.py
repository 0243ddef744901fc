"""Who of our technicians is whom at a vendor: by the mapping, else by e-mail."""

from uuid import UUID

from integrations.connectors.port import Known
from integrations.models import ExternalLink
from integrations.rules.mapping import Rule
from integrations.rules.things import Thing
from integrations.services.sync.partners import Partner
from integrations.services.sync.records import technician_thing


def ready_rules(partner: Partner, thing: Thing) -> list[Rule]:
    """Return the mapping of a thing, once those on a visit were looked up.

    The vendor is asked for a technician once; who is not found has to be mapped.
    """
    rules = partner.rules(thing.kind)
    crew = next((rule for rule in rules if rule.field == "technicians"), None)
    if crew is None or "technician" not in partner.connector.kinds:
        return rules
    unknown = [
        each for each in thing.fields.get("technicians", ()) if each not in crew.choices
    ]
    found = [_link_by_email(partner, UUID(each)) for each in unknown]
    return partner.rules(thing.kind) if any(found) else rules


def _link_by_email(partner: Partner, technician_id: UUID) -> bool:
    technician = technician_thing(technician_id)
    if technician is None or not technician.fields["email"]:
        return False
    found = partner.connector.find(partner.call, technician, Known())
    if found is None:
        return False
    ExternalLink.objects.bulk_create(
        [
            ExternalLink(
                connection=partner.connection,
                object_type="technician",
                object_id=technician_id,
                remote_type=found.remote_type,
                remote_id=found.remote_id,
                origin=ExternalLink.Origin.FOUND,
            )
        ],
        ignore_conflicts=True,  # somebody linked him since we looked
    )
    return True
