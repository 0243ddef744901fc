"""What an HTTP answer says about a delivery."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.models.outbox import AttemptOutcome

GONE = 410
_RETRYABLE = frozenset({408, 425, 429})


def outcome_of(status: int) -> AttemptOutcome:
    """Return what a status means. Redirects are failures: nobody follows them."""
    if 200 <= status < 300:  # noqa: PLR2004  # 2xx
        return AttemptOutcome.OK
    if status in _RETRYABLE or status >= 500:  # noqa: PLR2004  # 5xx
        return AttemptOutcome.RETRYABLE
    return AttemptOutcome.REJECTED


def retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """Return the wait that a `Retry-After` asks for: seconds, or a date.

    What cannot be read is ignored, and so is a time that has passed.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:  # noqa: PLR2004  # 3 years
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return wait if wait > timedelta(0) else None
