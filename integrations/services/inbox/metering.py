"""What Prometheus is told of callbacks."""

from prometheus_client import Counter

from integrations.models import Vendor

CALLBACKS = Counter(
    "fieldbook_callbacks_total",
    "Callbacks of vendors, by what came of them: stored, duplicate, handshake, "
    "limited, refused, unreadable or unknown (a URL that is nobody's).",
    ["vendor", "outcome"],
)
REFUSALS = Counter(
    "fieldbook_callbacks_refused_total",
    "Callbacks that did not prove where they came from, by the reason.",
    ["vendor", "because"],
)
TAKEN_IN = Counter(
    "fieldbook_callbacks_taken_in_total",
    "Tries to take in what a vendor said, by the state that it was left in.",
    ["vendor", "source", "state"],
)


def count(vendor: str, outcome: str, *, because: str = "") -> None:
    """Count a callback. A vendor that we do not know is a stranger's invention."""
    known = vendor if vendor in Vendor.values else "other"
    CALLBACKS.labels(known, outcome).inc()
    if because:
        REFUSALS.labels(known, because).inc()
