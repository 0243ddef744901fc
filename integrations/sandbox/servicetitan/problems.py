"""How ServiceTitan refuses: RFC 7807 bodies with a trace."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from integrations.sandbox.wire import Reply


class Problem(Exception):
    """A call is refused."""

    def __init__(
        self,
        status: int,
        title: str = "",
        *,
        errors: Mapping[str, list[str]] | None = None,
    ) -> None:
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.errors = errors or {}
        super().__init__(self.title)

    def reply(self) -> Reply:
        """Return the answer."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "traceId": uuid4().hex,
            "errors": self.errors,
            "data": {},
        }
        headers = {"Content-Type": "application/problem+json; charset=utf-8"}
        return Reply(status=self.status, json=body, headers=headers)


def invalid(**errors: str) -> Problem:
    """Return a refusal that names what is wrong with each member."""
    found = {name: [message] for name, message in errors.items()}
    return Problem(400, "One or more validation errors occurred.", errors=found)


def missing(kind: str, number: Any) -> Problem:
    """Return the refusal for what is not there."""
    return Problem(404, f"{kind} with id {number} was not found.")
