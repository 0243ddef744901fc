"""The real caller, whose calls can be looked at afterwards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from integrations.connectors.port import Answer
from integrations.models import Connection
from integrations.services.calling import caller_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One call as a connector asked for it."""

    method: str
    path: str
    json: Any = None


@dataclass
class Recorder:
    """Calls a connection's vendor in earnest, and writes down what was asked."""

    connection: Connection
    made: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.caller = caller_for(self.connection)
        self.settings: Mapping[str, Any] = self.caller.settings
        self.credentials = self.caller.credentials

    def __call__(self, method: str, path: str, **given: Any) -> Answer:
        params = given.get("params")
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        made = Made(method=method, path=f"{path}{query}", json=given.get("json"))
        self.made.append(made)
        return self.caller(method, path, **given)

    def remember(self, key: str, value: str, *, seconds: float) -> None:
        self.caller.remember(key, value, seconds=seconds)

    def recall(self, key: str) -> str | None:
        return self.caller.recall(key)

    def sent(self, method: str, part: str = "") -> list[Any]:
        """Return the bodies of the calls of a method whose path has `part`."""
        return [
            one.json for one in self.made if one.method == method and part in one.path
        ]


def connect(vendor: str, url: str, *, key: str, **settings: Any) -> Connection:
    """Make a connection to a vendor that is at `url`."""
    return Connection.objects.create(
        vendor=vendor,
        name=f"Our {vendor}",
        settings={"hosts": {"api": url}, **settings},
        credentials=json.dumps({"api_key": key}),
        calls_per_second=1000,
    )
