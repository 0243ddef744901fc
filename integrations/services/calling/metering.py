"""What Prometheus is told of calls to vendors."""

from prometheus_client import Counter, Histogram

from integrations.models import Connection
from integrations.rules.refusals import CallFailed

CALLS = Counter(
    "fieldbook_vendor_calls_total",
    "Calls to vendors, by what came of them: ok, or the kind of refusal.",
    ["vendor", "connection", "outcome"],
)
SECONDS = Histogram(
    "fieldbook_vendor_call_seconds",
    "How long vendors take to answer.",
    ["vendor", "connection"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20),
)
_OUTCOMES = {
    "Postponed": "postponed",
    "NotSent": "not_sent",
    "NoAnswer": "no_answer",
    "Busy": "busy",
    "NotAllowed": "not_allowed",
    "Refused": "refused",
}


def outcome_name(failure: CallFailed | None) -> str:
    """Return the word for an outcome in metrics and logs."""
    return _OUTCOMES[type(failure).__name__] if failure else "ok"


def count(connection: Connection, failure: CallFailed | None) -> None:
    """Count a call that was made, or held back."""
    outcome = outcome_name(failure)
    CALLS.labels(connection.vendor, str(connection.pk), outcome).inc()


def time_taken(connection: Connection, *, seconds: float) -> None:
    """Note how long the vendor took."""
    SECONDS.labels(connection.vendor, str(connection.pk)).observe(seconds)
