"""ServiceTitan's bookings and leads: wishes that people of the office look at."""

from typing import Any

from integrations.sandbox.servicetitan import shapes
from integrations.sandbox.servicetitan.books import Books, Row, shown
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.lists import equals, page_of
from integrations.sandbox.servicetitan.problems import Problem, invalid, missing
from integrations.sandbox.servicetitan.reading import Shape, plain

SETTLED = {"Converted", "Dismissed"}


class Wishes:
    """A booking of a provider, and a lead. An externalId may stand twice."""

    def __init__(self, books: Books) -> None:
        self._books = books
        bookings = "/crm/booking-provider/{}/bookings"
        self.routes: Routes = {
            f"POST {bookings}": self._add_booking,
            f"GET {bookings}": self._list_provider_bookings,
            f"GET {bookings}/{{}}": self._get_provider_booking,
            f"PATCH {bookings}/{{}}": self._change_booking,
            "GET /crm/bookings": self._list_bookings,
            "GET /crm/bookings/{}": self._get_booking,
            "POST /crm/leads": self._add_lead,
            "POST /crm/leads/form": self._add_lead_form,
            "GET /crm/leads": self._list_leads,
            "GET /crm/leads/{}": self._get_lead,
            "PATCH /crm/leads/{}": self._change_lead,
            "POST /crm/leads/{}/dismiss": self._dismiss_lead,
            "POST /crm/leads/{}/notes": self._add_note,
        }

    def _add_booking(self, provider: str, *, call: Call) -> Row:
        body = self._booking_body(call, shapes.BOOKING)
        booking = self._books.bookings.add(
            **{"status": "New", "jobId": None, "bookingProviderId": _provider(provider)}
            | body
        )
        self._books.tell("booking.created", booking)
        return shown(booking)

    def _change_booking(self, provider: str, number: str, *, call: Call) -> Row:
        booking = self._booking_of(provider, number)
        body = self._booking_body(call, shapes.BOOKING_CHANGE)
        if booking["status"] in SETTLED:
            raise Problem(409, f"The booking is {booking['status']} already.")
        self._books.bookings.change(booking, **body)
        self._books.tell("booking.updated", booking)
        return shown(booking)

    def _booking_body(self, call: Call, shape: Shape) -> Row:
        body = call.read(shape)
        known(self._books, body)
        return body | ({"start": plain(body["start"])} if "start" in body else {})

    def _booking_of(self, provider: str, number: str) -> Row:
        booking = self._books.bookings.get(number)
        if booking["bookingProviderId"] != _provider(provider):
            raise missing("Booking", number)
        return booking

    def _list_provider_bookings(self, provider: str, *, call: Call) -> Any:
        theirs = [
            row
            for row in self._books.bookings
            if row["bookingProviderId"] == _provider(provider)
        ]
        return page_of(
            theirs, call.params, filters={"externalId": equals("externalId")}
        )

    def _list_bookings(self, *, call: Call) -> Any:
        filters = {"externalId": equals("externalId"), "status": equals("status")}
        return page_of(self._books.bookings, call.params, filters=filters)

    def _get_provider_booking(self, provider: str, number: str, *, call: Call) -> Row:
        return shown(self._booking_of(provider, number))

    def _get_booking(self, number: str, *, call: Call) -> Row:
        return shown(self._books.bookings.get(number))

    def _add_lead(self, *, call: Call) -> Row:
        body = call.read(shapes.LEAD)
        if not {"callReasonId", "followUpDate"} & set(body):
            raise invalid(callReasonId="One of callReasonId and followUpDate.")
        known(self._books, body)
        return shown(self._lead(body))

    def _add_lead_form(self, *, call: Call) -> Row:
        return {"leadId": self._lead(call.read(shapes.LEAD_FORM))["id"]}

    def _lead(self, body: Row) -> Row:
        lead = self._books.leads.add(
            **{"status": "Open", "priority": "Normal", "customerId": None} | body
        )
        lead["leadUrl"] = f"https://go.servicetitan.example/#/lead/{lead['id']}"
        self._books.tell("lead.created", lead)
        return lead

    def _list_leads(self, *, call: Call) -> Any:
        filters = {
            name: equals(name) for name in ("status", "customerId", "locationId")
        }
        return page_of(self._books.leads, call.params, filters=filters)

    def _get_lead(self, number: str, *, call: Call) -> Row:
        return shown(self._books.leads.get(number))

    def _change_lead(self, number: str, *, call: Call) -> Row:
        lead = self._books.leads.get(number)
        body = call.read(shapes.LEAD_CHANGE)
        known(self._books, body)
        self._books.leads.change(lead, **body)
        self._books.tell("lead.updated", lead)
        return shown(lead)

    def _dismiss_lead(self, number: str, *, call: Call) -> None:
        lead = self._books.leads.get(number)
        body = call.read(shapes.DISMISSAL)
        if lead["status"] != "Open":
            raise Problem(409, f"The lead is {lead['status']} already.")
        self._books.leads.change(lead, status="Dismissed", **body)
        self._books.tell("lead.updated", lead)

    def _add_note(self, number: str, *, call: Call) -> Row:
        lead = self._books.leads.get(number)
        note = call.read(shapes.NOTE)
        self._books.leads.change(lead, notes=[*lead.get("notes", []), note])
        return note


def known(books: Books, body: Row) -> None:
    """Check that the ids in a body are somebody's.

    Raises:
        Problem: 400.
    """
    tables = {
        "customerId": books.customers,
        "locationId": books.locations,
        "businessUnitId": books.business_units,
        "jobTypeId": books.job_types,
        "campaignId": books.campaigns,
    }
    for member, table in tables.items():
        if member in body and not table.has(body[member]):
            raise invalid(**{member: f"{body[member]} is not known."})


def _provider(text: str) -> int:
    if not text.isdigit():
        raise missing("Booking provider", text)
    return int(text)
