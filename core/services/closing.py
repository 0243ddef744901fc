"""When branches, or the whole company, are closed for a day.

Visits may be booked on that day, so the change is watched (R13; see `core.roster`).
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import holidays
from django.conf import settings
from django.db import transaction

from core.actors import Actor
from core.db import on_breach
from core.errors import Conflict, Forbidden, NotFound
from core.events import emit
from core.models import Holiday, Location
from core.roster import OnConflict, Scope, watched


class HolidayListed(Conflict):
    """The branch (or the whole company) is closed on that day already."""

    code = "holiday_listed"
    title = "That holiday is listed already"


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayForm:
    """A day off; without a location, of the whole company."""

    date: date
    name: str
    location_id: UUID | None = None


@transaction.atomic
def add_holiday(
    *,
    form: HolidayForm,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Holiday:
    """Close a branch, or the whole company, for a day.

    Emits:
        holiday.added
    Raises:
        HolidayListed
        Forbidden: the day is the whole company's, and the actor sees a part of it.
        Stranded: visits are booked on that day.
    """
    _may_close(form.location_id, actor=actor)
    with watched(
        scope=Scope.of_branches(form.location_id, days=[form.date]),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        return _close(form, actor=actor, now=now)


@transaction.atomic
def change_holiday(
    *,
    holiday_id: UUID,
    form: HolidayForm,
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> Holiday:
    """Give a holiday another day, name or branch.

    Emits:
        holiday.changed
    Raises:
        HolidayListed, Forbidden, NotFound
        Stranded: visits are booked on that day.
    """
    before = _visible_holiday(holiday_id, actor=actor)
    _may_close(form.location_id, actor=actor)
    with watched(
        scope=Scope.of_branches(before.location_id, form.location_id, days=[form.date]),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        holiday = _locked_holiday(holiday_id)
        for name, value in asdict(form).items():
            setattr(holiday, name, value)
        with on_breach("holiday_once_a_day", _listed(form)):
            holiday.save(update_fields=["date", "name", "location"])
    _tell_of(holiday, "holiday.changed", actor=actor, now=now)
    return holiday


@transaction.atomic
def remove_holiday(*, holiday_id: UUID, actor: Actor, now: datetime) -> None:
    """Open on that day after all. That strands nobody.

    Emits:
        holiday.removed
    Raises:
        NotFound, Forbidden
    """
    holiday = _locked_holiday(_visible_holiday(holiday_id, actor=actor).pk)
    _tell_of(holiday, "holiday.removed", actor=actor, now=now)
    holiday.delete()


@transaction.atomic
def prefill_holidays(
    *,
    location_ids: Collection[UUID],
    years: Sequence[int],
    actor: Actor,
    now: datetime,
    on_conflict: OnConflict = OnConflict.REJECT,
) -> list[Holiday]:
    """Add the public holidays of each branch's state that are not listed yet.

    Days that are over are left out. A branch whose state has no calendar of its own
    gets the nation's.

    Emits:
        holiday.added, for each
    Raises:
        NotFound: the actor does not see one of the branches.
        Stranded: visits are booked on one of these days.
    """
    visible = Location.objects.visible_to(actor)
    branches = list(visible.filter(pk__in=location_ids).order_by("pk"))
    if len(branches) < len(set(location_ids)):
        raise NotFound
    forms = [
        form
        for branch in branches
        for form in missing_holidays(branch, years=years, now=now)
    ]
    if not forms:
        return []
    with watched(
        scope=Scope.of_branches(*location_ids, days=[form.date for form in forms]),
        on_conflict=on_conflict,
        actor=actor,
        now=now,
    ):
        return [_close(form, actor=actor, now=now) for form in forms]


def missing_holidays(
    branch: Location, *, years: Sequence[int], now: datetime
) -> list[HolidayForm]:
    """Return the public holidays of the branch's state that are not listed yet."""
    country, region = settings.DEFAULT_PHONE_REGION, branch.region.upper()
    known = holidays.list_supported_countries().get(country)
    if known is None:
        return []
    calendar = holidays.country_holidays(
        country, subdiv=region if region in known else None, years=years
    )
    here = Holiday.objects.filter(location=branch) | Holiday.objects.filter(
        location=None
    )
    listed = set(here.values_list("date", flat=True))
    today = now.astimezone(branch.time_zone).date()
    return [
        HolidayForm(date=day, name=name[:100], location_id=branch.pk)
        for day, name in sorted(calendar.items())
        if day >= today and day not in listed
    ]


def _may_close(location_id: UUID | None, *, actor: Actor) -> None:
    if location_id is None and not actor.sees_all_locations:
        raise Forbidden("A holiday of the whole company is its admins' to decide.")
    if not actor.sees_location(location_id):
        raise NotFound


def _close(form: HolidayForm, *, actor: Actor, now: datetime) -> Holiday:
    with on_breach("holiday_once_a_day", _listed(form)):
        holiday = Holiday.objects.create(**asdict(form))
    _tell_of(holiday, "holiday.added", actor=actor, now=now)
    return holiday


def _listed(form: HolidayForm) -> HolidayListed:
    return HolidayListed(f"{form.date} is listed as a holiday already.")


def _visible_holiday(holiday_id: UUID, *, actor: Actor) -> Holiday:
    holiday = Holiday.objects.visible_to(actor).filter(pk=holiday_id).first()
    if holiday is None:
        raise NotFound
    _may_close(holiday.location_id, actor=actor)
    return holiday


def _locked_holiday(holiday_id: UUID) -> Holiday:
    rows = Holiday.objects.select_for_update(no_key=True)
    holiday = rows.filter(pk=holiday_id).first()
    if holiday is None:  # somebody was faster
        raise NotFound
    return holiday


def _tell_of(holiday: Holiday, event: str, *, actor: Actor, now: datetime) -> None:
    emit(
        event,
        of=("holiday", holiday.pk),
        actor=actor,
        now=now,
        location_id=holiday.location_id,
        data={"date": holiday.date.isoformat(), "name": holiday.name},
    )
