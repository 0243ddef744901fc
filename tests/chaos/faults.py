"""What goes wrong, and when: a plan in fractions of the time under fire."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.world import World
from tests.chaos.house import House
from tests.chaos.town import VENDOR

# What is wrong with the vendor all the time.
WEATHER = (
    Rule(kind=Kind.CUT_AFTER, share=0.01),
    Rule(kind=Kind.ERROR, share=0.05, status=503),
    Rule(kind=Kind.LOST_CALLBACKS, share=0.15),
    Rule(kind=Kind.DUPLICATE_CALLBACKS, share=0.2, times=3),
    Rule(kind=Kind.DISORDERED_CALLBACKS, share=0.15, times=3, seconds=2),
    Rule(kind=Kind.FORGOTTEN_UPDATED_AT, share=0.1),
)
THROTTLED = Rule(kind=Kind.THROTTLE, count=5, seconds=2)
_WORKERS = ("worker", "caller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that happens once."""

    at: float
    """As a fraction of the time."""
    name: str
    do: Callable[[], None]


@dataclass(slots=True)
class Plan:
    """The faults that are still to come, and those that were."""

    waiting: list[Fault]
    happened: Counter[str] = field(default_factory=Counter)

    def play(self, progress: float) -> list[str]:
        """Let happen what is due; return its names."""
        names = []
        while self.waiting and self.waiting[0].at <= progress:
            fault = self.waiting.pop(0)
            fault.do()
            self.happened[fault.name] += 1
            names.append(fault.name)
        return names


class Storm:
    """Does the faults to a house and to its vendor."""

    def __init__(self, house: House, *, world: World, outage: float) -> None:
        self._house = house
        self._world = world
        self._outage = outage

    def weather(self, *first: Rule) -> None:
        """Let these faults of the vendor go before those that are always there."""
        self._world.places[VENDOR].faults.put(*first, *WEATHER)

    def clear_up(self) -> None:
        """Let the vendor be well."""
        self._world.places[VENDOR].faults.put()

    def whole_plan(self) -> Plan:
        """Return everything that a long run has to survive."""
        kill = self._killing
        return _in_order(
            Fault(at=0.0, name="the vendor's bad weather begins", do=self.weather),
            self._child(at=0.03),
            kill(*_WORKERS, at=0.08),
            kill("valkey", at=0.16),
            kill("beat", at=0.22),
            self._vendor_down(at=0.28),
            kill(*_WORKERS, at=0.42),
            kill("postgres", at=0.50),
            kill("web", at=0.57),
            self._throttling(at=0.62),
            kill(*_WORKERS, at=0.68),
            kill("valkey", at=0.76),
            self._deployment(at=0.84),
            kill("beat", at=0.9),
            Fault(at=0.97, name="the vendor is well again", do=self.clear_up),
        )

    def short_plan(self) -> Plan:
        """Return what a short run survives."""
        return _in_order(
            Fault(at=0.0, name="the vendor's bad weather begins", do=self.weather),
            self._vendor_down(at=0.15),
            self._killing(*_WORKERS, at=0.5),
            self._killing("valkey", at=0.7),
            Fault(at=0.9, name="the vendor is well again", do=self.clear_up),
        )

    def _killing(self, *names: str, at: float) -> Fault:
        def do() -> None:
            for name in names:
                self._house.kill(name)

        emptied = " and emptied" if "valkey" in names else ""
        return Fault(at=at, name=f"kill -9 {' + '.join(names)}{emptied}", do=do)

    def _child(self, *, at: float) -> Fault:
        def do() -> None:
            self._house.kill_one_below("worker")

        return Fault(at=at, name="kill -9 one child of the worker", do=do)

    def _vendor_down(self, *, at: float) -> Fault:
        rule = Rule(kind=Kind.DOWN, for_seconds=self._outage)
        name = f"the vendor answers 503 to all for {self._outage:g} s"
        return Fault(at=at, name=name, do=lambda: self.weather(rule))

    def _throttling(self, *, at: float) -> Fault:
        name = "the vendor throttles: 429 with Retry-After"
        return Fault(at=at, name=name, do=lambda: self.weather(THROTTLED))

    def _deployment(self, *, at: float) -> Fault:
        def do() -> None:
            for name in _WORKERS:
                self._house.ask_to_end(name)

        return Fault(at=at, name="SIGTERM worker + caller in mid-work", do=do)


def _in_order(*faults: Fault) -> Plan:
    ordered: Sequence[Fault] = sorted(faults, key=lambda fault: fault.at)
    return Plan(waiting=list(ordered))
