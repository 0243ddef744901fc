"""The world's own API: look at it, act in it, and let things go wrong."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from integrations.sandbox.faults import read_rules
from integrations.sandbox.routes import answering
from integrations.sandbox.world import World


class Control:
    """Answers the calls below `/world`. Each raises a ValueError for a bad body."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[str, Callable[..., Any]] = {
            "GET /world": self._all,
            "GET /world/{}": self._one,
            "DELETE /world/{}": self._clear,
            "PUT /world/{}/faults": self._faults,
            "POST /world/{}/acts/{}": self._act,
        }

    def answer(self, *, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return status and answer.

        Raises:
            ValueError: says what is wrong with the body.
        """
        route = answering(self._routes, method=method, path=path)
        try:
            told = None if route is None else route(body=body)
        except KeyError:  # no such vendor
            told = None
        if told is None:
            return HTTPStatus.NOT_FOUND, {"error": "There is nothing here."}
        return HTTPStatus.OK, told

    def _all(self, *, body: bytes) -> Any:
        return self._world.as_json()

    def _one(self, vendor: str, *, body: bytes) -> Any:
        return self._world.of(vendor)

    def _clear(self, vendor: str, *, body: bytes) -> Any:
        self._world.clear(vendor)
        return self._world.of(vendor)

    def _faults(self, vendor: str, *, body: bytes) -> Any:
        faults = self._world.places[vendor].faults
        faults.put(*read_rules(json.loads(body)))
        return faults.as_json()

    def _act(self, vendor: str, act: str, *, body: bytes) -> Any:
        arguments = json.loads(body or b"{}")
        if not isinstance(arguments, dict):
            raise ValueError("Send an object of the act's arguments.")  # noqa: TRY004  # a bad body
        return {"callbacks": self._world.act(vendor, act, arguments)}
