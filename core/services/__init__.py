"""Move events and messages on: publish, deliver, replay, forget."""

from core.services.delivering import deliver, sweep
from core.services.housekeeping import prune
from core.services.publishing import publish_waiting
from core.services.replaying import NotReplayable, cancel, replay, replay_many, unpark

__all__ = [
    "NotReplayable",
    "cancel",
    "deliver",
    "prune",
    "publish_waiting",
    "replay",
    "replay_many",
    "sweep",
    "unpark",
]
