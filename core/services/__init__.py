"""Move events and messages on: publish, deliver, replay, forget."""

from core.services.delivering import deliver, sweep
from core.services.housekeeping import prune
from core.services.publishing import publish_waiting
from core.services.replaying import (
    NotReplayable,
    call_off_all,
    cancel,
    park,
    replay,
    replay_many,
    unpark,
)

__all__ = [
    "NotReplayable",
    "call_off_all",
    "cancel",
    "deliver",
    "park",
    "prune",
    "publish_waiting",
    "replay",
    "replay_many",
    "sweep",
    "unpark",
]
