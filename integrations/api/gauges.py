"""How connections and subscribers stand, for Prometheus: asked when it asks."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.actors import SYSTEM
from integrations.selectors.standing import Standing, standings

# Short, since a ratio over a day says little about the last minutes.
_WINDOW = timedelta(hours=1)
_BREAKER = {"closed": 0, "half_open": 1, "open": 2}

_GAUGES: tuple[tuple[str, str, Callable[[Standing], float | None]], ...] = (
    ("outbox_waiting", "Messages that wait to leave.", lambda s: s.outgoing.waiting),
    ("outbox_parked", "Messages held back.", lambda s: s.outgoing.parked),
    ("dead_letters", "Messages given up.", lambda s: s.outgoing.dead_letters),
    (
        "outbox_lag_seconds",
        "How long the oldest message has been due.",
        lambda s: s.outgoing.lag_seconds,
    ),
    (
        "sync_success_ratio",
        "Share of the last hour's messages that got through.",
        lambda s: s.outgoing.success_ratio,
    ),
    (
        "delivery_p95_seconds",
        "From the change to its delivery, 95th percentile of the last hour.",
        lambda s: s.outgoing.p95_seconds,
    ),
    ("inbox_waiting", "Callbacks not worked on yet.", lambda s: s.incoming.waiting),
    (
        "inbox_lag_seconds",
        "Age of the oldest of them.",
        lambda s: s.incoming.lag_seconds,
    ),
    ("inbox_dead", "Callbacks given up.", lambda s: s.incoming.dead),
    ("found_by_polling", "What no webhook told, ever.", lambda s: s.incoming.found),
    ("sync_conflicts", "Conflicts for a person to decide.", lambda s: s.conflicts),
    (
        "breaker_state",
        "0 closed, 1 half open, 2 open.",
        lambda s: _BREAKER.get(s.breaker, 0),
    ),
)


class StandingCollector(Collector):
    """Reads the tables at each scrape; says nothing while the database is away."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Name no series: to do so would ask the database at start-up."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = standings(actor=SYSTEM, now=timezone.now(), window=_WINDOW)
        except DatabaseError:
            return
        for name, text, figure in _GAUGES:
            family = GaugeMetricFamily(
                f"fieldbook_{name}", text, labels=["kind", "vendor", "name"]
            )
            for each in found:
                value = figure(each)
                if value is not None:
                    family.add_metric([each.kind, each.vendor, each.name], value)
            yield family


def register() -> None:
    """Have Prometheus' endpoint ask it."""
    REGISTRY.register(StandingCollector())
