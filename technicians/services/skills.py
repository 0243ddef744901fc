"""What a technician can do, and for how long the certificates hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.roster import OnConflict
from technicians.models import Skill, Technician, TechnicianSkill
from technicians.services.record import roster_of, save_change


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillGrant:
    """A skill, and the last day on which its certificate holds (None: for good)."""

    skill: Skill
    valid_until: date | None = None


@transaction.atomic
def set_skills(
    *,
    technician_id: UUID,
    grants: Iterable[SkillGrant],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Let a technician have these skills and no others.

    Emits:
        technician.skills_changed
    Raises:
        VersionConflict, NotFound
        Stranded: visits ask for a skill that the technician loses.
    """
    with roster_of(
        technician_id=technician_id,
        actor=actor,
        now=now,
        on_conflict=on_conflict,
        expected_version=expected_version,
    ) as technician:
        wanted = {grant.skill.pk: grant for grant in grants}
        technician.technician_skills.exclude(skill__in=wanted).delete()
        for grant in wanted.values():
            _grant(technician, grant)
    _tell(technician, actor=actor, now=now)
    return technician


@transaction.atomic
def grant_skill(
    *,
    technician_id: UUID,
    grant: SkillGrant,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Add a skill, or renew its certificate.

    Emits:
        technician.skills_changed
    Raises:
        NotFound
        Stranded: the certificate holds no longer than before, and visits need it.
    """
    with roster_of(
        technician_id=technician_id, actor=actor, now=now, on_conflict=on_conflict
    ) as technician:
        _grant(technician, grant)
    _tell(technician, actor=actor, now=now)
    return technician


@transaction.atomic
def revoke_skill(
    *,
    technician_id: UUID,
    skill: Skill,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Technician:
    """Take a skill away; one that the technician lacks is no change.

    Emits:
        technician.skills_changed
    Raises:
        NotFound
        Stranded: visits ask for it.
    """
    with roster_of(
        technician_id=technician_id, actor=actor, now=now, on_conflict=on_conflict
    ) as technician:
        deleted, _ = technician.technician_skills.filter(skill=skill).delete()
    if deleted:
        _tell(technician, actor=actor, now=now)
    return technician


def _grant(technician: Technician, grant: SkillGrant) -> None:
    TechnicianSkill.objects.update_or_create(
        technician=technician,
        skill=grant.skill,
        defaults={"valid_until": grant.valid_until},
    )


def _tell(technician: Technician, *, actor: Actor, now: datetime) -> None:
    held = technician.technician_skills.order_by("skill__code")
    rows = held.values_list("skill__code", "valid_until")
    save_change(
        technician,
        event="technician.skills_changed",
        actor=actor,
        now=now,
        data={
            "skills": {
                code: until.isoformat() if until else None for code, until in rows
            }
        },
    )
