"""Turn the ids and codes of a checked form into what they stand for, within sight."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn
from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.models import User
from core.actors import Actor, Role
from core.api.actors import actor_of
from core.models import Location, Zone
from technicians.models import Skill


def technician_fields(form: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """Return the form of a technician with its branch, zones and user looked up."""
    actor = actor_of(request)
    fields = dict(form)
    if "location" in fields:
        fields["location_id"] = fields.pop("location")
        check_locations([fields["location_id"]], actor=actor)
    if "zones" in fields:
        fields["zones"] = _zones(fields["zones"], actor=actor)
    if fields.get("user") is not None:
        fields["user"] = _user(fields["user"])
    return fields


def check_locations(
    ids: Iterable[UUID], *, actor: Actor, pointer: str = "location"
) -> None:
    """Refuse branches that the actor does not see."""
    wanted = set(ids)
    if Location.objects.visible_to(actor).filter(pk__in=wanted).count() < len(wanted):
        _refuse(pointer, "There is no such location.")


def skills_by_code(codes: Collection[str]) -> dict[str, Skill]:
    """Return the skills of these codes; refuse one that is not there."""
    found = {skill.code: skill for skill in Skill.objects.filter(code__in=codes)}
    if missing := sorted(set(codes) - found.keys()):
        _refuse("skills", f"There is no skill {missing[0]!r}.")
    return found


def _zones(ids: Collection[UUID], *, actor: Actor) -> list[Zone]:
    locations = Location.objects.visible_to(actor)
    found = list(Zone.objects.filter(pk__in=ids, location__in=locations))
    if len(found) < len(set(ids)):
        _refuse("zones", "There is no such zone.")
    return found


def _user(user_id: UUID) -> User:
    users = User.objects.filter(role=Role.TECHNICIAN, is_active=True)
    user = users.filter(pk=user_id).first()
    if user is None:
        _refuse("user", "There is no such user, or not a technician.")
    return user


def _refuse(field: str, sentence: str) -> NoReturn:
    raise ValidationError({field: [sentence]})
