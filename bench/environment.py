"""What the programs find around them: production's settings, with secrets of a day."""

import os
import secrets

from bench.cluster import WORK, Cluster

NO_LIMIT = "1000000000/m"
_LIMITS = ("USER", "ANONYMOUS", "PUBLIC_FORM", "LOGIN_ADDRESS", "LOGIN_ACCOUNT")


def environment_of_app(cluster: Cluster) -> dict[str, str]:
    """Return the environment of ours in production, but for limits nobody reaches."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": cluster.url(WORK),
        "REDIS_URL": cluster.valkey.url,
        "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **{f"RATE_LIMIT_{name}": NO_LIMIT for name in _LIMITS},
    }
