"""Ours as in production, without the TLS in front of it."""

from datetime import timedelta

from config.settings import *  # noqa: F403, TID251  # all of it but what follows
from config.settings import SIMPLE_JWT as OURS  # noqa: TID251  # as above

ROOT_URLCONF = "bench.apps.urls"
USE_HTTPS = SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
# One token lasts for the whole run.
SIMPLE_JWT = {**OURS, "ACCESS_TOKEN_LIFETIME": timedelta(days=1)}
