"""Housecall Pro's leads."""

from integrations.sandbox.housecallpro.books import COMPANY, Books, Row, new_id
from integrations.sandbox.housecallpro.call import Call, Routes
from integrations.sandbox.housecallpro.jobs import Jobs
from integrations.sandbox.housecallpro.people import People, address_of, new_address
from integrations.sandbox.housecallpro.refusals import (
    invalid,
    malformed,
    not_found,
    wrong_state,
)


class Leads:
    """Wishes that are open, won or lost."""

    def __init__(self, books: Books, people: People, jobs: Jobs) -> None:
        self._books = books
        self._people = people
        self._jobs = jobs
        self.routes: Routes = {
            "POST /leads": self._add,
            "GET /leads": self._list,
            "GET /leads/{}": self._get,
            "POST /leads/{}/convert": self._convert,
        }

    def _add(self, *, call: Call) -> tuple[int, Row]:
        body = call.body()
        employee = body.get("assigned_employee_id")
        assigned = self._books.employees.get(employee) if employee else None
        customer, address = self._who_and_where(body)
        lead = self._books.leads.add(
            number=next(self._books.numbers),
            status="open",
            pipeline_status="New lead",
            lost_at=None,
            customer=customer,
            address=address,
            lead_source=body.get("lead_source"),
            note=body.get("note"),
            tags=[str(tag) for tag in body.get("tags") or []],
            assigned_employee=assigned,
            company_id=COMPANY,
        )
        self._books.tell("lead.created", lead)
        return 201, lead

    def _who_and_where(self, body: Row) -> tuple[Row, Row | None]:
        """Return customer and address; both may be new."""
        new = new_address(body["address"]) if body.get("address") else None
        if body.get("customer_id"):
            customer = self._books.customers.get(body["customer_id"])
            if body.get("address_id"):
                return customer, address_of(customer, body["address_id"])
        elif not isinstance(body.get("customer"), dict):
            raise invalid(customer_id="can't be blank")
        elif body.get("address_id"):
            raise not_found("Address")  # a new customer has none yet
        else:
            customer = self._people.add(body["customer"])
        if new is not None:
            self._people.add_address(customer, new)
        return customer, new

    def _list(self, *, call: Call) -> tuple[int, Row]:
        status, source = call.first("status"), call.first("lead_source")
        customer, tags = call.first("customer_id"), set(call.all("tag_ids"))
        if status not in {"", "open", "won", "lost"}:
            raise malformed("status")
        found = [
            lead
            for lead in self._books.leads
            if status in {"", lead["status"]}
            and source in {"", lead["lead_source"]}
            and customer in {"", lead["customer"]["id"]}
            and (not tags or tags & set(lead["tags"]))
        ]
        return 200, call.page(found, name="leads", shown=dict)

    def _get(self, name: str, *, call: Call) -> tuple[int, Row]:
        return 200, self._books.leads.get(name)

    def _convert(self, name: str, *, call: Call) -> tuple[int, Row]:
        lead, kind = self._books.leads.get(name), call.body().get("type")
        if kind not in {"job", "estimate"}:
            raise malformed("type")
        if lead["status"] != "open":
            raise wrong_state(f"Lead is {lead['status']}")
        if kind == "job":
            if lead["address"] is None:
                raise wrong_state("Lead has no address")
            job = self._jobs.add(customer=lead["customer"], address=lead["address"])
            made = {"job_id": job["id"]}
        else:
            made = {"estimate_id": new_id("est")}
        self._books.leads.change(lead, status="won")
        self._books.tell("lead.converted", lead)
        return 201, made
