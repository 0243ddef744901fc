"""What must leave the house: written with the change, sent later, at least once.

`enqueue` writes a message in the caller's transaction. A worker then takes it by
`claim`, which leases it; calls the outside with no transaction open; and writes down
what came of it by `finish`, or by `finish_and_claim_next`, which takes along what else
waits for the same destination. A worker that dies leaves a lease that ends by itself;
who waits for an answer prolongs it (`held`). One that comes back too late holds an
outdated token, and its `finish` changes nothing.
"""

from core.outbox.finishing import finish, finish_and_claim_next
from core.outbox.holding import held, keep_leases
from core.outbox.leasing import claim, ring_for_next
from core.outbox.outcomes import LEASE, RETRY_SECONDS, Outcome, retry_delay
from core.outbox.writing import enqueue, ring_for

__all__ = [
    "LEASE",
    "RETRY_SECONDS",
    "Outcome",
    "claim",
    "enqueue",
    "finish",
    "finish_and_claim_next",
    "held",
    "keep_leases",
    "retry_delay",
    "ring_for",
    "ring_for_next",
]
