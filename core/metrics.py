"""What Prometheus is told of the business, besides what the libraries tell."""

from prometheus_client import Counter

# The slot honour rate is kept / (kept + lost): of the starts that a branch promises
# and somebody asked for, those that could be booked. A lost one was taken between
# the look and the booking, or was never free.
SLOTS_ASKED_FOR = Counter(
    "fieldbook_slots_asked_for_total",
    "Starts that somebody tried to book, by what came of it: kept or lost.",
    ["outcome"],
)
