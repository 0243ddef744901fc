"""What a fake vendor is given, and what it says: the frame of the sandbox world."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

# The answers that count as taken.
SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call to a vendor. `path` is what follows the vendor's prefix."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    at_once: int = 1
    """How many calls to this vendor are under way at this moment, this one included."""

    @property
    def params(self) -> list[tuple[str, str]]:
        """The query's parameters, in order, blank ones too."""
        return parse_qsl(self.query, keep_blank_values=True)

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)

    def form(self) -> list[tuple[str, str]]:
        """Return the fields of a form, in order, blank ones too."""
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of a vendor: JSON, or any bytes."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Something that a vendor tells us by itself: a signed POST to our inbox."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    """Some look at a URL by GET before they take it."""


class Vendor(Protocol):
    """A fake: it keeps what it was told, as the real one would, and behaves like it.

    It is called from many threads, one call at a time.
    """

    name: str

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        """Answer a call of its API; return also what it then tells us by itself."""

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        """Do what a person does in the vendor's own app, such as move a job.

        Raises:
            ValueError: it knows no such act, or not with these arguments.
        """

    def state(self) -> dict[str, Any]:
        """Return all it keeps, as JSON."""

    def clear(self) -> None:
        """Forget everything."""
