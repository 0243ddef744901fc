"""Book a visit for a lead or for a customer's address."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.urls import reverse

from appointments import services
from appointments.admin.picking import SlotPicking
from appointments.models import Appointment, Service
from appointments.selectors import capacity
from core.actors import Actor
from core.admin.actions import Action
from core.admin.forms import Lines, reason_field
from core.models import Location
from leads.models import Lead, Property


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """For whom a visit is booked: a lead, or a customer's address."""

    name: str
    address: str
    postal_code: str
    branch: Location | None
    back: str
    lead: Lead | None = None
    property: Property | None = None

    def __str__(self) -> str:
        return self.name


def target_of(request: HttpRequest, *, actor: Actor) -> Target:
    """Return whom the page's parameters name: `lead` or `property`."""
    lead_id, property_id = request.GET.get("lead"), request.GET.get("property", "")
    try:
        if lead_id:
            leads = Lead.objects.visible_to(actor).select_related("location")
            return _for_lead(leads.get(pk=lead_id))
        places = Property.objects.select_related("customer")
        return _for_property(places.get(pk=property_id))
    except (Lead.DoesNotExist, Property.DoesNotExist, ValidationError) as error:
        raise Http404 from error


class BookForm(SlotPicking):
    """Choose service and branch, then one of the times on offer."""

    body = "admin/action/book.html"
    service = forms.SlugField(widget=forms.HiddenInput)
    branch = forms.SlugField(widget=forms.HiddenInput)
    notes = Lines(label="Notes for the technician", required=False, max_length=4000)
    reason = reason_field(required=False)

    def more(self) -> dict[str, Any]:
        service, branch = self._service(), self._branch()
        page = {
            "services": Service.objects.bookable().order_by("name", "pk"),
            "service": service,
            "branches": Location.objects.visible_to(self.actor).order_by("name"),
            "branch": branch,
            "parameters": {"lead": self.thing.lead, "property": self.thing.property},
        }
        if service is None or branch is None:
            return page
        wish = capacity.wish_for(
            service=service,
            location=branch,
            postal_code=self.thing.postal_code,
            address=self.thing.property,
            now=self.now,
        )
        return page | self.on_offer(wish=wish, location=branch, near=self.now)

    def run(self) -> Appointment:
        data = self.cleaned_data
        lead, place = self.thing.lead, self.thing.property
        request = services.BookingRequest(
            service=Service.objects.bookable().get(code=data["service"]),
            starts_at=data["starts_at"],
            property=place,
            lead_id=lead.pk if lead else None,
            location=Location.objects.visible_to(self.actor).get(code=data["branch"]),
            technician_id=data["technician"],
            notes=data["notes"],
            override=self.overridden(),
            reason=data["reason"],
        )
        return services.book(request=request, actor=self.actor, now=self.now)

    def clean_service(self) -> str:
        code: str = self.cleaned_data["service"]
        if not Service.objects.bookable().filter(code=code).exists():
            raise ValidationError("Choose a service.")
        return code

    def clean_branch(self) -> str:
        code: str = self.cleaned_data["branch"]
        if not Location.objects.visible_to(self.actor).filter(code=code).exists():
            raise ValidationError("Choose a branch.")
        return code

    def _service(self) -> Service | None:
        wanted = self.query.get("service")
        if wanted is None and self.thing.lead is not None:
            wanted = self.thing.lead.service_code
        return Service.objects.bookable().filter(code=wanted or "").first()

    def _branch(self) -> Location | None:
        wanted = self.query.get("branch")
        if wanted is None:
            return self.thing.branch  # type: ignore[no-any-return]  # of a Target
        return Location.objects.visible_to(self.actor).filter(code=wanted).first()


BOOK = Action(
    slug="book",
    label="Book a visit",
    icon="event_available",
    form=BookForm,
    done="The visit is booked, and the customer is told.",
)


def summary_of(target: Target) -> list[tuple[str, Any]]:
    """Return whom one books for."""
    rows: list[tuple[str, Any]] = [("For", target.name), ("Address", target.address)]
    if target.lead is not None and target.lead.message:
        rows.append(("Message", target.lead.message))
    return rows


def _for_lead(lead: Lead) -> Target:
    street = ", ".join(part for part in (lead.line1, lead.line2, lead.city) if part)
    return Target(
        name=str(lead),
        address=f"{street} {lead.postal_code}".strip() or "-",
        postal_code=lead.postal_code,
        branch=lead.location or _serving(lead.postal_code),
        back=reverse("admin:leads_lead_change", args=[lead.pk]),
        lead=lead,
    )


def _for_property(place: Property) -> Target:
    return Target(
        name=place.customer.name,
        address=f"{place.line1}, {place.city} {place.postal_code}",
        postal_code=place.postal_code,
        branch=_serving(place.postal_code),
        back=reverse("admin:leads_customer_change", args=[place.customer_id]),
        property=place,
    )


def _serving(postal_code: str) -> Location | None:
    try:
        return capacity.location_serving(postal_code)
    except capacity.OutOfServiceArea:
        return None
