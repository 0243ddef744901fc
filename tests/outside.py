"""Play the workers: publish and deliver in this very process, until nothing is due."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from core.models import Event, OutboxMessage
from core.models.outbox import AttemptOutcome, OutboxStatus
from core.outbox import Outcome
from core.services import deliver, publish_waiting

OK = Outcome(kind=AttemptOutcome.OK, http_status=200)
FAILED = Outcome(kind=AttemptOutcome.RETRYABLE, http_status=503, error="503")
REJECTED = Outcome(kind=AttemptOutcome.REJECTED, http_status=400, error="400")
UNKNOWN = Outcome(kind=AttemptOutcome.UNKNOWN, error="ReadTimeout")
PARKED = Outcome(kind=AttemptOutcome.PARKED, error="switched off")

Answer = Outcome | Exception | Callable[[OutboxMessage], Outcome]


class Outside:
    """A destination that answers as it is told to, and remembers what it heard."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.otherwise: Answer = OK
        self.heard: list[OutboxMessage] = []

    def __call__(self, message: OutboxMessage, *, now: datetime) -> Outcome:
        self.heard.append(message)
        answer = self.answers.pop(0) if self.answers else self.otherwise
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Outcome) else answer(message)

    @property
    def told(self) -> list[object]:
        """Return the payloads' numbers in the order in which they were heard."""
        return [message.payload.get("n") for message in self.heard]


outside = Outside()


def drain(*, now: datetime | None = None) -> int:
    """Work off what is due now; return how many tries to deliver that took."""
    tries = 0
    while True:
        publish_waiting(budget=timedelta(minutes=1))
        due = OutboxMessage.objects.due().in_turn().order_by("pk")
        made = sum(
            deliver(message_id=message_id, now=now or timezone.now())
            for message_id in list(due.values_list("pk", flat=True))
        )
        if not made:
            return tries
        tries += made


def skip_waiting() -> None:
    """Let the time of every retry come, and every lease end."""
    Event.objects.waiting().update(next_attempt_at=Now())
    OutboxMessage.objects.filter(status=OutboxStatus.PENDING).update(
        next_attempt_at=Now()
    )
    OutboxMessage.objects.filter(status=OutboxStatus.LEASED).update(
        lease_until=Now() - timedelta(seconds=1)
    )
