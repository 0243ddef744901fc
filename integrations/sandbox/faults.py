"""What goes wrong between a fake vendor and us, on demand."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from integrations.sandbox.wire import Request

MOST_RULES = 50


class Kind(StrEnum):
    """A way of failing."""

    THROTTLE = "throttle"  # 429; `retry_after` says in which form
    ERROR = "error"  # answers `status`
    SLOW = "slow"  # takes `seconds` longer
    CUT_BEFORE = "cut_before"  # closes the connection and does nothing
    CUT_AFTER = "cut_after"  # does what it was asked, and closes without a word
    TRUNCATED = "truncated"  # does it; half of the answer is missing
    HTML = "html"  # a page in place of an answer
    UNAUTHORIZED = "unauthorized"  # 401
    GARBAGE = "garbage"  # does it, and answers 200 with {}
    DOWN = "down"  # refuses every call: `status`, or a reset
    DUPLICATE_CALLBACKS = "duplicate_callbacks"  # tells us `times`
    DISORDERED_CALLBACKS = "disordered_callbacks"  # turns `times` of them around
    LOST_CALLBACKS = "lost_callbacks"  # never tells us
    FORGOTTEN_UPDATED_AT = "forgotten_updated_at"  # a change that moves no time


class RetryAfter(StrEnum):
    """How a throttle says when to come back."""

    SECONDS = "seconds"
    DATE = "date"
    RUBBISH = "rubbish"
    NONE = "none"


OF_CALLBACKS = {
    Kind.DUPLICATE_CALLBACKS,
    Kind.DISORDERED_CALLBACKS,
    Kind.LOST_CALLBACKS,
}
OF_ANSWERS = set(Kind) - OF_CALLBACKS - {Kind.SLOW, Kind.FORGOTTEN_UPDATED_AT}
STATUSES = {Kind.ERROR: 500, Kind.HTML: 502, Kind.DOWN: 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault: of which kind, of which calls, how often and for how long."""

    kind: Kind
    share: float = 1.0
    """Of the calls that it is about, at random."""
    count: int | None = None
    """After so many calls it is over; None: no end."""
    for_seconds: float | None = None
    path: str = ""
    """Only calls whose path, after the vendor's prefix, begins so."""
    method: str = ""
    status: int | None = None
    """Of `error`, `html` and `down`; None: what is usual."""
    seconds: float = 1.0
    """Of `slow`; the wait of `throttle`; the longest hold of `disordered_callbacks`."""
    retry_after: RetryAfter = RetryAfter.SECONDS
    times: int = 2
    handled: bool = False
    """Of `error`: the call had its effect all the same, as behind a tired gateway."""
    reset: bool = False
    """Of `down`: the connection is reset instead of answered."""

    @classmethod
    def read(cls, asked: Any) -> "Rule":
        """Read `{"kind": "throttle", "count": 3, "retry_after": "date"}`.

        Raises:
            ValueError: says what is wrong with it.
        """
        if not isinstance(asked, dict) or set(asked) - set(cls.__slots__):
            raise ValueError(f"A rule has {', '.join(cls.__slots__)}.")
        words = {
            "kind": Kind(asked.get("kind", "")),
            "retry_after": RetryAfter(asked.get("retry_after", RetryAfter.SECONDS)),
        }
        rule = cls(**{**asked, **words})
        for name in ("path", "method"):
            value = getattr(rule, name)
            _check(name, value, is_good=isinstance(value, str))
        for name in ("handled", "reset"):
            value = getattr(rule, name)
            _check(name, value, is_good=isinstance(value, bool))
        for name, (lowest, highest, kind) in _LIMITS.items():
            _check_number(name, getattr(rule, name), lowest, highest, kind)
        return rule

    def is_about(self, request: Request) -> bool:
        """Tell whether the call is one of those that the rule is for."""
        return request.path.startswith(self.path) and self.method in {
            "",
            request.method,
        }


_LIMITS: dict[str, tuple[float, float, Any]] = {
    "share": (0, 1, int | float),
    "count": (1, 1_000_000, int | None),
    "for_seconds": (0, 86_400, int | float | None),
    "status": (200, 599, int | None),
    "seconds": (0, 3600, int | float),
    "times": (1, 100, int),
}


@dataclass(slots=True)
class _Live:
    """A rule with what is left of it."""

    rule: Rule
    left: int | None
    until: float | None


class Faults:
    """The rules in force for one vendor. Safe to use from many threads.

    Of the faults that decide an answer the first rule that applies wins, so a rule
    for one path stands before one for all.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._live: list[_Live] = []
        self._dice = random.Random(1)  # noqa: S311  # the same faults in each run

    def put(self, *rules: Rule) -> None:
        """Let these rules be in force, and no other; none at all: all is well."""
        now = self._clock()
        with self._lock:
            self._live = [
                _Live(
                    rule,
                    rule.count,
                    None if rule.for_seconds is None else now + rule.for_seconds,
                )
                for rule in rules
            ]

    def answering(self, request: Request) -> Rule | None:
        """Return the fault that decides the answer to this call."""
        return self._first(OF_ANSWERS, lambda rule: rule.is_about(request))

    def lateness(self, request: Request) -> float:
        """Return by how many seconds this call is late."""
        slow = self._first({Kind.SLOW}, lambda rule: rule.is_about(request))
        return slow.seconds if slow else 0.0

    def of_callback(self) -> Rule | None:
        """Return what goes wrong with the next callback."""
        return self._first(OF_CALLBACKS)

    def forgets(self) -> bool:
        """Tell whether this change of the vendor's moves no time of change."""
        return self._first({Kind.FORGOTTEN_UPDATED_AT}) is not None

    def as_json(self) -> list[dict[str, Any]]:
        """Return the rules in force, with what is left of them."""
        now = self._clock()
        with self._lock:
            self._expire(now)
            return [
                asdict(live.rule)
                | {
                    "count": live.left,
                    "for_seconds": live.until and round(live.until - now, 1),
                }
                for live in self._live
            ]

    def _first(
        self, kinds: Iterable[Kind], fits: Callable[[Rule], bool] = lambda _rule: True
    ) -> Rule | None:
        with self._lock:
            self._expire(self._clock())
            for live in self._live:
                if live.rule.kind in kinds and fits(live.rule) and self._strikes(live):
                    return live.rule
        return None

    def _strikes(self, live: _Live) -> bool:
        if live.rule.share < 1 and self._dice.random() >= live.rule.share:
            return False
        if live.left is not None:
            live.left -= 1
        return True

    def _expire(self, now: float) -> None:
        self._live = [
            live
            for live in self._live
            if live.left != 0 and (live.until is None or now < live.until)
        ]


def read_rules(asked: Any) -> Sequence[Rule]:
    """Read a list of rules.

    Raises:
        ValueError: says what is wrong with it.
    """
    if not isinstance(asked, list) or len(asked) > MOST_RULES:
        raise ValueError(f"Send a list of at most {MOST_RULES} rules.")
    return [Rule.read(one) for one in asked]


def _check_number(
    name: str, value: Any, lowest: float, highest: float, kind: Any
) -> None:
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    within = is_number and (value is None or lowest <= value <= highest)
    _check(name, value, is_good=within)


def _check(name: str, value: Any, *, is_good: bool) -> None:
    if not is_good:
        raise ValueError(f"{name} cannot be {value!r}.")
