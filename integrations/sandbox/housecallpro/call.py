"""One call of Housecall Pro's API, and its pages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from integrations.sandbox.housecallpro.books import Row
from integrations.sandbox.housecallpro.refusals import Refusal, forbidden, malformed

DEFAULT_PAGE_SIZE = 10
MOST_PER_PAGE = 200
_SORTS = ("created_at", "updated_at", "id")


class Caller(Enum):
    """What kind of key came with a call."""

    COMPANY = auto()
    APPLICATION = auto()
    OAUTH = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks, the query and the body."""

    caller: Caller
    params: Sequence[tuple[str, str]]
    content: Any

    def refuse(self, *callers: Caller) -> None:
        """Turn away keys of these kinds.

        Raises:
            Refusal: 403.
        """
        if self.caller in callers:
            raise forbidden()

    def body(self) -> Row:
        """Return the body.

        Raises:
            Refusal: 400, it is no object.
        """
        if not isinstance(self.content, dict):
            raise Refusal(400, {"error": "The request body is not valid JSON"})
        return self.content

    def first(self, name: str, default: str = "") -> str:
        """Return a parameter's value, the first where it is repeated."""
        return next((value for key, value in self.params if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return the values of a repeated parameter, `name[]`."""
        return [value for key, value in self.params if key == f"{name}[]"]

    def page(
        self, rows: Iterable[Row], *, name: str, shown: Callable[[Row], Row]
    ) -> Row:
        """Return the page that was asked for, the newest first.

        Raises:
            Refusal: 400.
        """
        number, size = (
            self._whole("page", 1),
            self._whole("page_size", DEFAULT_PAGE_SIZE),
        )
        size = min(size, MOST_PER_PAGE)
        key, down = self.first("sort_by", "created_at"), self._is_descending()
        if key not in _SORTS:
            raise malformed("sort_by")
        found = sorted(rows, key=lambda row: str(row[key]), reverse=down)
        part = found[(number - 1) * size : number * size]
        return {
            "page": number,
            "page_size": size,
            "total_pages": -(-len(found) // size),
            "total_items": len(found),
            name: [shown(row) for row in part],
        }

    def _is_descending(self) -> bool:
        direction = self.first("sort_direction", "desc")
        if direction not in {"asc", "desc"}:
            raise malformed("sort_direction")
        return direction == "desc"

    def _whole(self, name: str, default: int) -> int:
        text = self.first(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise malformed(name)
        return int(text)


Routes = dict[str, Callable[..., tuple[int, Any]]]
