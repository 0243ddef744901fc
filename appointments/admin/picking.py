"""A form that offers starts which are true at this moment."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms

from appointments.admin.openings import DAYS, alternatives_of, slot_page
from appointments.admin.overriding import Overriding, WallTimeField
from appointments.rules.slots import Wish
from appointments.selectors import choices
from core.admin.forms import InstantField
from core.models import Location
from core.walltime import local_date
from technicians.models import Technician

_LAST_DAY = date(2100, 1, 1)


class SlotPicking(Overriding):
    """Choose from what is on offer, a few days at a time.

    The page's parameters are `from` (a local day) and `technician`. A time that is
    not on offer can be entered, which is what overrides are for.
    """

    starts_at = InstantField(required=False)
    at = WallTimeField(label="Another time, by the branch's clock", required=False)
    technician = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        data["starts_at"] = data.get("at") or data.get("starts_at")
        if not data["starts_at"] and not self.errors:
            self.add_error("starts_at", "Choose a time.")
        return data

    def on_offer(
        self,
        *,
        wish: Wish,
        location: Location,
        near: datetime,
        except_visit: UUID | None = None,
    ) -> dict[str, Any]:
        """Return the openings of some days, and the technicians one may ask for."""
        zone = location.time_zone
        first = self._first_day(local_date(near, zone=zone), location=location)
        crew = self._crew(location)
        wanted = self.query.get("technician", "")
        chosen = next((one.pk for one in crew if str(one.pk) == wanted), None)
        found = choices.openings(
            wish=wish,
            first_day=first,
            days=DAYS,
            technician_id=chosen,
            except_visit=except_visit,
        )
        return slot_page(found, zone=zone, first=first) | {
            "crew": crew,
            "chosen": chosen,
            "alternatives": alternatives_of(self, zone=zone),
        }

    def _crew(self, location: Location) -> list[Technician]:
        visible = Technician.objects.visible_to(self.actor).active()
        return list(visible.filter(location=location).order_by("name", "pk"))

    def _first_day(self, otherwise: date, *, location: Location) -> date:
        """Return the first local day to show: never one of the past."""
        today = local_date(self.now, zone=location.time_zone)
        try:
            wanted = date.fromisoformat(self.query.get("from", ""))
        except ValueError:
            wanted = otherwise
        return max(today, min(wanted, _LAST_DAY))
