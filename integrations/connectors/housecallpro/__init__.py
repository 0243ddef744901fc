"""Housecall Pro: customers, addresses, leads, jobs and technicians.

What Housecall does not do through its API, for anybody: set a job's work status,
cancel it or complete it. A cancelled visit loses its place in their calendar and gets
a note, and a person closes the job there. There are two ways to move a job, by the
kind of key: a company's own key may move an appointment of a job, an application's key
the schedule of the job. A key of OAuth is taken to do what an application's does.

Their `scheduled_start` with its `arrival_window` is our promise, and `scheduled_end`
the end of our work. A job that was taken off their calendar says nothing about time.

Nothing makes a repeated create safe but `invoice_number`, which is unique in a company:
we send a number made of the visit's reference, and search by it before we create again
after an answer got lost. How their refusal of a repeated number looks is not known, so
after any refusal of a new job we look whether it is there.

Not verified with the vendor, and settings therefore: the kind of key, the digits of
the invoice number, how far back "changed since" looks. Limits are not published: the
pace below is a guess (a connection may set its own).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.connectors.housecallpro import (
    callbacks,
    errors,
    feeds,
    jobs,
    leads,
    origins,
    people,
)
from integrations.connectors.housecallpro.mapping import MAPPING, ONLY_AT_CREATION
from integrations.connectors.housecallpro.questions import QUESTIONS
from integrations.connectors.housecallpro.wire import read_one, rows_of
from integrations.connectors.port import Caller, Known
from integrations.rules.refusals import NotYet
from integrations.rules.things import Inbound, Page, Remote, Thing


class HousecallPro:
    """The connector of one company, or of one of its locations."""

    vendor = "housecallpro"
    hosts: Mapping[str, str] = {"api": "https://api.housecallpro.com"}
    trusted_hosts = frozenset({"api.housecallpro.com"})
    questions = QUESTIONS
    calls_per_second = 1.0
    kinds = frozenset({"customer", "property", "lead", "appointment", "technician"})
    feeds = ("employees", "customers", "leads", "jobs", "schedule")
    poll_every = timedelta(minutes=5)
    mapping = MAPPING
    only_at_creation = ONLY_AT_CREATION
    finds_first = frozenset({"customer", "property", "technician"})

    def authorise(self, call: Caller) -> Mapping[str, str]:
        word = "Bearer" if call.settings.get("key_type") == "oauth" else "Token"
        headers = {"Authorization": f"{word} {call.credentials.get('api_key', '')}"}
        company = call.settings.get("company_id")
        return headers | {"X-Company-Id": str(company)} if company else headers

    def forget_token(self, call: Caller) -> None:
        """Do nothing: a key is not renewed."""

    def check(self, call: Caller) -> str:
        answer = call("GET", "/employees", params={"page": 1, "page_size": 1})
        rows_of(answer.json, "employees")
        return f"The key works; {answer.json.get('total_items', 'some')} employees."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        return "", errors.sentence(body)

    def find(self, call: Caller, thing: Thing, known: Known) -> Remote | None:
        return _FINDERS[thing.kind](call, thing, known)

    def create(
        self, call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
    ) -> Remote:
        if thing.kind == "technician":
            raise NotYet("Nobody with that e-mail works there; technicians are theirs.")
        return _CREATORS[thing.kind](call, thing, known, body)

    def update(
        self,
        call: Caller,
        thing: Thing,
        known: Known,
        body: Mapping[str, Any],
        changed: frozenset[str],
    ) -> Remote | None:
        if thing.kind == "appointment":
            return jobs.update(call, thing, known, body, changed)
        if thing.kind == "customer":
            return people.update_customer(call, known, body)
        return None  # addresses and leads cannot be changed; technicians are theirs

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        if remote_type not in feeds.READERS:
            return None
        path, _, reader = feeds.READERS[remote_type]
        return reader(row) if (row := read_one(call, f"{path}/{remote_id}")) else None

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        return feeds.poll(call, feed, cursor)

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return callbacks.read(call, event)

    def whole(self, call: Caller, remote: Remote) -> Remote | None:
        return origins.whole(call, remote)


_FINDERS = {
    "customer": people.find_customer,
    "property": people.find_address,
    "technician": people.find_technician,
    "lead": leads.find,
    "appointment": jobs.find,
}
_CREATORS = {
    "customer": people.create_customer,
    "property": people.create_address,
    "lead": leads.create,
    "appointment": jobs.create,
}
