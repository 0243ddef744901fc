"""Find out which of ours a thing of theirs is, and link the two."""

from contextlib import suppress
from uuid import UUID

from django.db.models import Q

from appointments.models import Appointment
from core.db import take_turns
from core.text import normalise_email
from integrations.models import Connection, ExternalLink
from integrations.rules.things import Remote
from integrations.services.sync.links import link_of, list_more, turn_of
from leads.models import Customer, Lead
from leads.selectors import find_customer
from technicians.models import Technician


def locked_link(*, connection: Connection, remote: Remote) -> ExternalLink | None:
    """Return the main row of one of theirs, locked until the transaction ends.

    One that is unknown is linked where it carries our reference, or is somebody whom
    we know. Then nothing is agreed on yet.
    """
    row = link_of(connection=connection, remote=remote)
    if row is not None:
        own = (row.object_type, row.object_id)
    else:
        found = which_of_ours(remote)
        if found is None:
            return None
        own = (remote.kind, found)
    rows = ExternalLink.objects.select_for_update().filter(
        connection=connection, object_type=own[0], object_id=own[1]
    )
    main = rows.order_by("pk").first()
    if main is None:
        take_turns(turn_of(connection=connection, kind=own[0], object_id=own[1]))
        main = rows.order_by("pk").first()
    if main is None:
        return _linked(connection, remote, own)
    if not main.remote_id:
        # It is just being created there, or the answer got lost: here it is.
        _fill(main, remote)
    elif row is None and main.remote_type == remote.remote_type:
        return None  # a second one there, for one that is linked already
    list_more(main, remote)
    return main


def _linked(
    connection: Connection, remote: Remote, own: tuple[str, UUID]
) -> ExternalLink:
    main = ExternalLink.objects.create(
        connection=connection,
        object_type=own[0],
        object_id=own[1],
        remote_type=remote.remote_type,
        remote_id=remote.remote_id,
        origin=ExternalLink.Origin.FOUND,
    )
    list_more(main, remote)
    return main


def _fill(main: ExternalLink, remote: Remote) -> None:
    """Turn a claim into a link: whoever holds it will see that it is done."""
    main.remote_type, main.remote_id = remote.remote_type, remote.remote_id
    main.origin = ExternalLink.Origin.FOUND
    main.claim_token = main.claimed_until = None
    main.save(
        update_fields=[
            "remote_type",
            "remote_id",
            "origin",
            "claim_token",
            "claimed_until",
        ]
    )


def which_of_ours(remote: Remote) -> UUID | None:
    """Return which of ours an unknown one of theirs must be, if any."""
    finder = _FINDERS.get(remote.kind)
    return finder(remote) if finder else None


def _visit(remote: Remote) -> UUID | None:
    return _by_reference(Appointment, remote)


def _lead(remote: Remote) -> UUID | None:
    return _by_reference(Lead, remote)


def _customer(remote: Remote) -> UUID | None:
    with suppress(ValueError):
        own = Customer.objects.filter(pk=UUID(remote.reference))
        if own.exists():
            return UUID(remote.reference)
    known = find_customer(
        phone=str(remote.fields.get("phone") or ""),
        email=normalise_email(str(remote.fields.get("email") or "")),
    )
    return known.pk if known else None


def _technician(remote: Remote) -> UUID | None:
    email = normalise_email(str(remote.fields.get("email") or ""))
    if not email:
        return None
    same = Q(email__iexact=email) | Q(user__email__iexact=email)
    found = list(Technician.objects.filter(same).values_list("pk", flat=True)[:2])
    return found[0] if len(found) == 1 else None


def _by_reference(model: type[Appointment] | type[Lead], remote: Remote) -> UUID | None:
    if not remote.reference:
        return None
    rows = model.objects.filter(reference=remote.reference)
    return rows.values_list("pk", flat=True).first()


_FINDERS = {
    "appointment": _visit,
    "lead": _lead,
    "customer": _customer,
    "technician": _technician,
}
