"""Housecall Pro as a whole: its keys, its parts, its acts and its webhooks."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.housecallpro.acts import Acts
from integrations.sandbox.housecallpro.books import Books, Row, Table, written
from integrations.sandbox.housecallpro.call import Call, Caller, Routes
from integrations.sandbox.housecallpro.desk import Desk
from integrations.sandbox.housecallpro.jobs import Jobs
from integrations.sandbox.housecallpro.leads import Leads
from integrations.sandbox.housecallpro.people import People
from integrations.sandbox.housecallpro.refusals import (
    Refusal,
    invalid,
    malformed,
    nothing_here,
    unauthorized,
)
from integrations.sandbox.housecallpro.visits import Visits
from integrations.sandbox.housecallpro.webhooks import PROBE, Hook
from integrations.sandbox.routes import answering, play
from integrations.sandbox.wire import SUCCESS, Callback, Reply, Request

COMPANY_KEY = "hcp-company-key"
APPLICATION_KEY = "hcp-application-key"
ACCESS_TOKEN = "hcp-access-token"  # noqa: S105  # of a vendor that is none
WEBHOOK_SECRET = "hcp-webhook-secret"  # noqa: S105  # nor is this
_CALLERS = {
    f"Token {COMPANY_KEY}": Caller.COMPANY,
    f"Token {APPLICATION_KEY}": Caller.APPLICATION,
    f"Bearer {ACCESS_TOKEN}": Caller.OAUTH,
}
WINDOW = timedelta(hours=2)
FIRST_HOURS = (15, 17, 19, 21)  # UTC: a working day in the west of the States
MOST_DAYS = 30


class HousecallPro:
    """One company. It finds no two things to be the same but invoice numbers."""

    name = "housecallpro"

    def __init__(
        self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clock = clock
        self.faults = Faults()
        self._hook: Hook | None = None
        self._begin()

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        self._books.acting = False
        route = answering(self._routes, method=request.method, path=request.path)
        if route is None:
            return nothing_here(), []
        try:
            call = _read(request)
            status, told = route(call=call)
        except Refusal as refusal:
            self._books.notices.clear()
            return refusal.reply(), []
        return Reply(status=status, json=deepcopy(told)), self._callbacks()

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        self._books.acting = True
        try:
            play(self._acts, name, arguments)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal
        return self._callbacks()

    def told(self, callback: Callback, *, status: int | None) -> None:
        """Save the URL once it has taken the probe."""
        if callback.body == PROBE and self._hook and callback.url == self._hook.url:
            self._hook.is_saved = status in SUCCESS

    def state(self) -> dict[str, Any]:
        return {
            "customers": self._books.customers.as_json(),
            "leads": self._books.leads.as_json(),
            "jobs": self._books.jobs.as_json(),
            "employees": self._books.employees.as_json(),
            "is_subscribed": bool(self._hook and self._hook.is_saved),
        }

    def things(self) -> dict[str, int]:
        tables = vars(self._books).items()
        return {name: len(kept) for name, kept in tables if isinstance(kept, Table)}

    def clear(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._books = Books(clock=self._clock, faults=self.faults)
        self._probes: list[Callback] = []
        people, visits = People(self._books), Visits(self._books)
        jobs = Jobs(self._books, visits)
        self._routes: Routes = {
            "POST /webhooks/subscription": self._subscribe,
            "DELETE /webhooks/subscription": self._unsubscribe,
            "GET /company/schedule_availability/booking_windows": self._windows,
        }
        for part in (people, visits, jobs, Leads(self._books, people, jobs)):
            self._routes |= part.routes
        desk = Desk(people=people, jobs=jobs)
        self._acts = (
            Acts(self._books, visits, jobs).all
            | desk.all
            | {
                "set_webhook": self._set_webhook,
                "remove_webhook": self._remove_webhook,
            }
        )

    def _callbacks(self) -> list[Callback]:
        notices, self._books.notices = self._books.notices, []
        probes, self._probes = self._probes, []
        if self._hook is None or not self._hook.is_saved:
            return probes
        now = self._clock()
        hook = self._hook
        return probes + [hook.callback(event, row, now=now) for event, row in notices]

    def _subscribe(self, *, call: Call) -> tuple[int, Row]:
        # The body is published as any object: ours names the URL.
        url = call.body().get("url")
        if not isinstance(url, str):
            raise invalid(url="can't be blank")
        self._set_webhook(url)
        return 200, {}

    def _unsubscribe(self, *, call: Call) -> tuple[int, Row]:
        self._remove_webhook()
        return 200, {}

    def _set_webhook(self, url: str, secret: str = WEBHOOK_SECRET) -> None:
        """Somebody saves a URL in the app: it is probed first."""
        self._hook = Hook(url=url, secret=secret)
        self._probes.append(self._hook.probe())

    def _remove_webhook(self) -> None:
        self._hook = None

    def _windows(self, *, call: Call) -> tuple[int, Row]:
        """Answer which windows are free: as long as somebody is."""
        days = call.first("show_for_days", "7")
        if not days.isdigit() or not 1 <= int(days) <= MOST_DAYS:
            raise malformed("show_for_days")
        today = self._clock().replace(minute=0, second=0, microsecond=0)
        starts = [
            today.replace(hour=hour) + timedelta(days=day)
            for day in range(int(days))
            for hour in FIRST_HOURS
        ]
        return 200, {"booking_windows": [self._window(start) for start in starts]}

    def _window(self, start: datetime) -> Row:
        begin, end = written(start), written(start + WINDOW)
        taken = {
            name
            for job in self._books.jobs
            for visit in job["appointments"]
            for name in visit["dispatched_employees_ids"]
            if visit["start_time"] < end and begin < visit["end_time"]
        }
        everybody = {row["id"] for row in self._books.employees}
        return {
            "start_time": begin,
            "end_time": end,
            "available": bool(everybody - taken),
        }


def _read(request: Request) -> Call:
    """Let a call in.

    Raises:
        Refusal: 401.
    """
    caller = _CALLERS.get(request.headers.get("authorization", ""))
    if caller is None:
        raise unauthorized()
    try:
        content = request.json() if request.body else None
    except ValueError:
        content = None
    return Call(caller=caller, params=request.params, content=content)
