"""ServiceTitan as a whole: its door, its parts, its acts and its webhooks."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox.faults import Faults
from integrations.sandbox.routes import answering, play
from integrations.sandbox.servicetitan.acts import Acts
from integrations.sandbox.servicetitan.books import Books
from integrations.sandbox.servicetitan.call import Call, Routes
from integrations.sandbox.servicetitan.desk import Desk
from integrations.sandbox.servicetitan.door import TOKEN_LIFE, Door
from integrations.sandbox.servicetitan.jobs import Jobs
from integrations.sandbox.servicetitan.office import Office
from integrations.sandbox.servicetitan.people import People
from integrations.sandbox.servicetitan.problems import Problem
from integrations.sandbox.servicetitan.visits import Visits
from integrations.sandbox.servicetitan.webhooks import Hook
from integrations.sandbox.servicetitan.wishes import Wishes
from integrations.sandbox.wire import Callback, Reply, Request

TENANT = 1001
_PATH = re.compile(r"/(?P<module>[a-z]+)/v2/tenant/(?P<tenant>\d+)(?P<rest>/.+)")


class ServiceTitan:
    """One tenant. What is sent twice is there twice: it compares nothing."""

    name = "servicetitan"

    def __init__(
        self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clock = clock
        self.faults = Faults()
        self._hook: Hook | None = None
        self._begin()

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        self._books.acting = False
        if (request.method, request.path) == ("POST", "/connect/token"):
            return self._door.issue(request), []
        try:
            self._door.check(request)
            told = self._answer(request)
        except Problem as problem:
            return problem.reply(), []
        return Reply(json={} if told is None else told), self._callbacks()

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        self._books.acting = True
        try:
            play(self._acts, name, arguments)
        except Problem as problem:
            raise ValueError(
                f"{problem.title} {problem.errors or ''}".strip()
            ) from problem
        return self._callbacks()

    def state(self) -> dict[str, Any]:
        tables = self._books.tables()
        return {name: table.as_json() for name, table in tables.items()} | {
            "tokens_issued": self._door.issued
        }

    def things(self) -> dict[str, int]:
        return {name: len(table) for name, table in self._books.tables().items()}

    def clear(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._books = Books(clock=self._clock, faults=self.faults)
        self._door = Door(clock=self._clock)
        visits = Visits(self._books)
        jobs = Jobs(self._books, visits)
        self._office = Office(self._books, jobs)
        people = People(self._books)
        desk = Desk(self._books, people=people, visits=visits, jobs=jobs)
        parts = (people, Wishes(self._books), visits, jobs, self._office)
        self._routes: Routes = {}
        for part in parts:
            self._routes |= part.routes
        self._acts = (
            Acts(self._books, visits, jobs).all
            | desk.all
            | {
                "set_webhook": self._set_webhook,
                "remove_webhook": self._remove_webhook,
                "set_token_life": self._set_token_life,
                "revoke_tokens": self._revoke_tokens,
                "set_feed_lag": self._set_feed_lag,
            }
        )

    def _answer(self, request: Request) -> Any:
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise Problem(404)
        if int(found["tenant"]) != TENANT:
            raise Problem(403, "The application has no access to this tenant.")
        path = f"/{found['module']}{found['rest']}"
        route = answering(self._routes, method=request.method, path=path)
        if route is None:
            raise Problem(404)
        return route(call=Call(params=dict(request.params), body=_body(request)))

    def _callbacks(self) -> list[Callback]:
        notices, self._books.notices = self._books.notices, []
        if self._hook is None:
            return []
        told = [self._hook.callback(event, row) for event, row in notices]
        return [callback for callback in told if callback is not None]

    def _set_webhook(
        self,
        url: str,
        secret: str = "",
        header: str = "X-ServiceTitan-Signature",
        encoding: str = "hex",
        events: tuple[str, ...] = (),
    ) -> None:
        """Somebody sets a callback URL in the developer portal."""
        self._hook = Hook(
            url=url,
            secret=secret,
            header=header,
            encoding=encoding,
            events=tuple(events),
        )

    def _remove_webhook(self) -> None:
        self._hook = None

    def _set_token_life(self, seconds: int = TOKEN_LIFE) -> None:
        self._door.token_life = seconds

    def _revoke_tokens(self) -> None:
        self._door.revoke()

    def _set_feed_lag(self, seconds: float) -> None:
        self._office.feed_lag = timedelta(seconds=seconds)


def _body(request: Request) -> Any:
    try:
        return request.json()
    except ValueError:
        return None
