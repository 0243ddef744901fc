"""ServiceTitan's lists of the house, its feeds of changes, and its free hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.servicetitan import shapes
from integrations.sandbox.servicetitan.books import Books, Row, Table
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.jobs import Jobs
from integrations.sandbox.servicetitan.lists import export_of, page_of, told
from integrations.sandbox.servicetitan.reading import plain

DAY_BEGINS, DAY_ENDS = 15, 23  # UTC: a working day in the west of the States
BLOCK = timedelta(hours=2)


class Office:
    """What is read only."""

    def __init__(self, books: Books, jobs: Jobs) -> None:
        self._books = books
        self._jobs = jobs
        self.feed_lag = timedelta(0)
        self.routes: Routes = {"POST /dispatch/capacity": self._capacity}
        for path, table in {
            "/settings/technicians": books.technicians,
            "/settings/business-units": books.business_units,
            "/jpm/job-types": books.job_types,
            "/jpm/job-cancel-reasons": books.cancel_reasons,
            "/jpm/job-hold-reasons": books.hold_reasons,
            "/marketing/campaigns": books.campaigns,
        }.items():
            self.routes |= self._list_routes(path, table)
        for path, table in {
            "/jpm/export/appointments": books.appointments,
            "/jpm/export/jobs": books.jobs,
            "/crm/export/bookings": books.bookings,
            "/crm/export/leads": books.leads,
            "/crm/export/customers": books.customers,
            "/crm/export/locations": books.locations,
            "/crm/export/customers/contacts": books.contacts,
            "/dispatch/export/appointment-assignments": books.assignments,
            "/settings/export/technicians": books.technicians,
        }.items():
            self.routes |= self._export_route(path, table)

    def _list_routes(self, path: str, table: Table) -> Routes:
        def rows(*, call: Call) -> Any:
            return page_of(table, call.params)

        def row(number: str, *, call: Call) -> Row:
            return told(table.get(number), call.params)

        return {f"GET {path}": rows, f"GET {path}/{{}}": row}

    def _export_route(self, path: str, table: Table) -> Routes:
        def feed(*, call: Call) -> Any:
            rows = list(table)
            if table is self._books.contacts:
                rows = [row for row in rows if "customerId" in row]
            page = export_of(rows, call.params, books=self._books, lag=self.feed_lag)
            if table is self._books.jobs:
                found = [table.get(row["id"]) for row in page["data"]]
                page["data"] = [self._jobs.view(job, call.params) for job in found]
            return page

        return {f"GET {path}": feed}

    def _capacity(self, *, call: Call) -> Any:
        body = call.read(shapes.CAPACITY)
        begin = datetime.fromisoformat(body["startsOnOrAfter"]).astimezone(UTC)
        end = datetime.fromisoformat(body["endsOnOrBefore"]).astimezone(UTC)
        blocks = []
        at = begin.replace(minute=0, second=0, microsecond=0)
        while at + BLOCK <= end:
            if DAY_BEGINS <= at.hour < DAY_ENDS and at.hour % 2:
                blocks.append(self._block(at))
            at += timedelta(hours=1)
        return {"availabilities": blocks}

    def _block(self, at: datetime) -> Row:
        begin, end = at.isoformat(), (at + BLOCK).isoformat()
        hours = BLOCK / timedelta(hours=1)
        taken = {
            row["technicianId"]
            for row in self._books.assignments
            if row["active"] and self._overlaps(row, begin, end)
        }
        crew = [row for row in self._books.technicians if row["active"]]
        free = [row for row in crew if row["id"] not in taken]
        return {
            "startUtc": plain(begin),
            "endUtc": plain(end),
            "totalAvailability": hours * len(crew),
            "openAvailability": hours * len(free),
            "isAvailable": bool(free),
            "technicians": [{"id": row["id"], "name": row["name"]} for row in free],
        }

    def _overlaps(self, assignment: Row, begin: str, end: str) -> bool:
        visit = self._books.appointments.get(assignment["appointmentId"])
        first, last = plain(begin) or "", plain(end) or ""
        return bool(visit["start"] < last and first < visit["end"])
