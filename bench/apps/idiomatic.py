"""A DRF project as the tutorials have it, on our tables. Frozen: it is a yardstick.

Its authors know `select_related` and persistent connections; no more is done to it.
"""

from config.settings import *  # noqa: F403, TID251  # apps and database
from config.settings import MIDDLEWARE as OURS  # noqa: TID251  # as above

ROOT_URLCONF = "bench.apps.by_the_book"
USE_HTTPS = SECURE_SSL_REDIRECT = False
MIDDLEWARE = [name for name in OURS if name.startswith("django.")]
REST_FRAMEWORK = {
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
}
