"""Agree on a plan, and change what was agreed on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from appointments.models import MaintenancePlan, PlanSeason, Service
from appointments.rules.plans import (
    WAITING,
    PlanState,
    Season,
    Tolerance,
    seasons_fault,
)
from appointments.selectors import capacity
from appointments.services.plans.record import emit_about, locked_plan, save_plan
from appointments.services.plans.steps import GENERATE, refused
from core.actors import Actor
from core.errors import NotFound, Rejected
from core.hints import ring
from core.ids import make_reference
from core.models import Location
from core.walltime import local_date
from leads.models import Property
from technicians.models import Technician


class BadSeasons(Rejected):
    """These seasons cannot be those of one plan."""

    code = "bad_seasons"
    title = "These seasons do not go together"


class EndsBeforeStart(Rejected):
    """The plan would be valid for no day."""

    code = "ends_before_start"
    title = "It ends before it starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanForm:
    """What is agreed on.

    The branch follows from the address where it is not given, and the plan holds
    from today on unless `valid_from` says otherwise.
    """

    property: Property
    service: Service
    seasons: Sequence[Season]
    location: Location | None = None
    technician_id: UUID | None = None
    tolerance: Tolerance = Tolerance.ANY
    valid_from: date | None = None
    valid_until: date | None = None
    notes: str = ""


@transaction.atomic
def create(*, form: PlanForm, actor: Actor, now: datetime) -> MaintenancePlan:
    """Agree on a plan. Its visits are booked as they come within the horizon.

    Emits:
        plan.created
    Raises:
        BadSeasons, EndsBeforeStart
        OutOfServiceArea: no branch serves the address.
        NotFound: branch or technician are outside of the actor's sight.
    """
    location = form.location or capacity.location_serving(form.property.postal_code)
    if not actor.sees_location(location.pk):
        raise NotFound
    today = local_date(now, zone=location.time_zone)
    plan = MaintenancePlan(
        reference=make_reference("M"),
        location=location,
        customer=form.property.customer,
        property=form.property,
        service=form.service,
        technician=_technician(form.technician_id, actor=actor),
        tolerance=form.tolerance,
        valid_from=form.valid_from or today,
        valid_until=form.valid_until,
        notes=form.notes,
    )
    _check_validity(plan)
    plan.save(force_insert=True)
    _set_seasons(plan, form.seasons)
    emit_about(plan, "plan.created", actor=actor, now=now)
    ring(GENERATE)
    return plan


@transaction.atomic
def amend(
    *,
    plan_id: UUID,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> MaintenancePlan:
    """Change what was agreed on; what is left out stays.

    `changes` may hold seasons, technician_id, tolerance, valid_until and notes. What
    waits to be booked is opened anew by the next run; what is booked stays.

    Emits:
        plan.updated
    Raises:
        BadSeasons, EndsBeforeStart
        InvalidTransition: the plan has ended.
        VersionConflict, NotFound
    """
    plan = locked_plan(plan_id=plan_id, actor=actor, expected_version=expected_version)
    if plan.state == PlanState.ENDED:
        raise refused(plan, to="changed")
    given = dict(changes)
    if "technician_id" in given:
        plan.technician = _technician(given.pop("technician_id"), actor=actor)
    if "seasons" in given:
        plan.seasons.all().delete()
        _set_seasons(plan, given.pop("seasons"))
    for name, value in given.items():
        setattr(plan, name, value)
    _check_validity(plan)
    plan.occurrences.filter(state__in=WAITING).delete()
    save_plan(
        plan,
        fields=["technician", *given],
        event="plan.updated",
        actor=actor,
        now=now,
        data={"changed": sorted(changes)},
    )
    ring(GENERATE)
    return plan


def _technician(technician_id: UUID | None, *, actor: Actor) -> Technician | None:
    if technician_id is None:
        return None
    found = Technician.objects.visible_to(actor).filter(pk=technician_id).first()
    if found is None:
        raise NotFound
    return found


def _check_validity(plan: MaintenancePlan) -> None:
    if plan.valid_until is not None and plan.valid_until < plan.valid_from:
        raise EndsBeforeStart("The plan would end before it starts.")


def _set_seasons(plan: MaintenancePlan, seasons: Sequence[Season]) -> None:
    fault = seasons_fault(seasons)
    if fault is not None:
        raise BadSeasons(fault)
    PlanSeason.objects.bulk_create(
        PlanSeason(
            plan=plan,
            key=season.key,
            first_month=season.first.month,
            first_day=season.first.day,
            last_month=season.last.month,
            last_day=season.last.day,
            weekday=season.weekday,
            starts=season.starts,
        )
        for season in seasons
    )
