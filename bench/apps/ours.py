"""Ours as in production with its doors open: nobody is asked who they are, or counted.

What doors cost is the difference to `bench.apps.guarded`.
"""

from bench.apps.guarded import *  # noqa: F403  # all of it but what follows
from bench.apps.guarded import REST_FRAMEWORK as GUARDED

REST_FRAMEWORK = {
    **GUARDED,
    "DEFAULT_AUTHENTICATION_CLASSES": ["bench.apps.doors.NobodyAsked"],
    "DEFAULT_THROTTLE_CLASSES": [],
}
