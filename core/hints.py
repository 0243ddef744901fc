"""Ring a worker's bell after the commit. A bell that fails costs seconds, not data."""

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def ring(task: str, **ids: Any) -> None:
    """Have `task` run soon after this transaction commits.

    The broker may be away: the beat finds the work in the database anyway.
    """

    def send() -> None:
        try:
            current_app.send_task(task, kwargs=ids)
        except (OperationalError, OSError) as error:
            log.warning("hint_lost", task=task, error=str(error))

    transaction.on_commit(send, robust=True)
