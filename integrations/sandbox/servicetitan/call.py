"""One call of ServiceTitan's API, as its parts take it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.servicetitan.lists import Params
from integrations.sandbox.servicetitan.problems import invalid
from integrations.sandbox.servicetitan.reading import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The query and the body."""

    params: Params
    body: Any
    """None: there was none, or no JSON."""

    def read(self, shape: Shape) -> dict[str, Any]:
        """Return the members that the shape knows.

        Raises:
            Problem: 400.
        """
        if self.body is None:
            raise invalid(**{"$": "A JSON body is expected."})
        return shape.read(self.body)


Routes = dict[str, Callable[..., Any]]
