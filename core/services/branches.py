"""When branches open, by which clock, and which ZIPs they serve.

Booked visits rest on all of it, so each change is watched (R13; see `core.roster`).
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, time
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.errors import Conflict, NotFound, Rejected
from core.events import emit
from core.models import Location, OpeningHours, Zone, ZoneZip
from core.roster import OnConflict, Scope, watched


class ZipTaken(Conflict):
    """A ZIP belongs to one zone only."""

    code = "zip_taken"
    title = "That ZIP is in another zone"


class ClosesBeforeOpening(Rejected):
    """Opening hours take time."""

    code = "closes_before_opening"
    title = "It closes before it opens"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursForm:
    """When visits may begin on a weekday, by the branch's wall clock."""

    weekday: int
    opens: time
    closes: time


@transaction.atomic
def set_opening_hours(
    *,
    location_id: UUID,
    hours: Iterable[HoursForm],
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> None:
    """Let these be the hours in which visits of a branch may begin, and no others.

    Emits:
        location.hours_changed
    Raises:
        ClosesBeforeOpening, NotFound
        Stranded: visits are promised outside of them.
    """
    with watched(
        scope=Scope.of_branches(location_id),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        branch = _locked_branch(location_id, actor=actor)
        branch.opening_hours.all().delete()
        rows = [OpeningHours(location=branch, **asdict(form)) for form in hours]
        with on_breach("opening_hours_close_after_opening", ClosesBeforeOpening()):
            OpeningHours.objects.bulk_create(rows)
    _tell_of_branch(branch, "location.hours_changed", actor=actor, now=now)


@transaction.atomic
def save_branch(
    *,
    branch: Location,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Location:
    """Store a branch as it stands in a checked form.

    With another time zone its shifts and hours move, and with them what is booked.

    Emits:
        location.saved
    Raises:
        Stranded
    """
    with watched(
        scope=Scope.of_branches(branch.pk),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        branch.save()
    _tell_of_branch(branch, "location.saved", actor=actor, now=now)
    return branch


@transaction.atomic
def save_zone(
    *,
    zone: Zone,
    postal_codes: Collection[str],
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Zone:
    """Store a zone as it stands in a checked form, and let it serve these ZIPs.

    Emits:
        zone.saved
    Raises:
        ZipTaken
        Stranded: visits lie outside of their technician's zones now.
    """
    before = Zone.objects.filter(pk=zone.pk).values_list("location_id", flat=True)
    with watched(
        scope=Scope.of_branches(zone.location_id, *before),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        zone.save()
        zone.zips.exclude(postal_code__in=postal_codes).delete()
        known = set(zone.zips.values_list("postal_code", flat=True))
        rows = [
            ZoneZip(zone=zone, postal_code=code)
            for code in sorted(set(postal_codes) - known)
        ]
        with on_breach("zip_belongs_to_one_zone", ZipTaken()):
            ZoneZip.objects.bulk_create(rows)
    emit(
        "zone.saved",
        of=("zone", zone.pk),
        actor=actor,
        now=now,
        location_id=zone.location_id,
        data={"name": zone.name, "zips": len(postal_codes)},
    )
    return zone


def _locked_branch(location_id: UUID, *, actor: Actor) -> Location:
    rows = Location.objects.visible_to(actor).select_for_update(no_key=True)
    branch = rows.filter(pk=location_id).first()
    if branch is None:
        raise NotFound
    return branch


def _tell_of_branch(
    branch: Location, event: str, *, actor: Actor, now: datetime
) -> None:
    emit(
        event,
        of=("location", branch.pk),
        actor=actor,
        now=now,
        location_id=branch.pk,
        data={"name": branch.name, "time_zone": str(branch.time_zone)},
    )
