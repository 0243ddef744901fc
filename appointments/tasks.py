"""What a hint or the beat asks a worker to do."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from appointments.services import plans
from core.hints import ring

# So many fit well below the soft time limit; the rest is asked for by another hint.
_AT_ONCE = 40
# Where no time was found, another try costs a search and seldom helps sooner.
_REST = timedelta(hours=1)


@shared_task
def generate_plan_visits() -> None:
    """Book the visits of maintenance plans that have come within the horizon."""
    now = timezone.now()
    outcomes = plans.generate(now=now, untried_since=now - _REST, most=_AT_ONCE)
    seen = outcomes.total() - outcomes[plans.Outcome.OPENED]
    # What is tried rests now, so this comes to an end.
    if seen == _AT_ONCE and seen > outcomes[plans.Outcome.ELSEWHERE]:
        ring("appointments.tasks.generate_plan_visits")
