"""Whether a message is still true at the moment of sending."""

from collections.abc import Mapping
from enum import StrEnum

from appointments.rules.states import MOVABLE, Status


class Kind(StrEnum):
    """What a message says."""

    REQUEST = "request"
    REFUSAL = "refusal"
    CONFIRMATION = "confirmation"
    NEW_TIME = "new_time"
    CANCELLATION = "cancellation"
    ON_THE_WAY = "on_the_way"
    THANKS = "thanks"


_NOT_BEGUN = MOVABLE | {Status.EN_ROUTE}
# Nobody comes, whenever it would have been.
_OFF = frozenset({Kind.CANCELLATION, Kind.REFUSAL})
_TRUE_WHILE: Mapping[Kind, frozenset[Status]] = {
    Kind.REQUEST: frozenset({Status.REQUESTED}),
    Kind.REFUSAL: frozenset({Status.CANCELLED}),
    Kind.CONFIRMATION: _NOT_BEGUN,
    Kind.NEW_TIME: _NOT_BEGUN,
    Kind.CANCELLATION: frozenset({Status.CANCELLED}),
    Kind.ON_THE_WAY: frozenset({Status.EN_ROUTE}),
    Kind.THANKS: frozenset({Status.COMPLETED}),
}


def reason_for_silence(*, kind: Kind, status: Status, moved_since: bool) -> str:
    """Return why the message is better left unsent, or "" where it is true."""
    if status not in _TRUE_WHILE[kind]:
        return f"The visit is {status.replace('_', ' ')} by now."
    if moved_since and kind not in _OFF:
        return "The visit was moved to another time."
    return ""
