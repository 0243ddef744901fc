"""Read the environment once, and refuse to start where a secret is missing."""

from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

Environment = Literal["production", "local", "test"]


def environment() -> Environment:
    """Return where we run.

    Production unless told otherwise, so that a forgotten variable is loud, not lax.
    """
    name: str = env.str("ENVIRONMENT", default="production")
    for known in get_args(Environment):
        if name == known:
            return known  # type: ignore[no-any-return]  # narrowed by the comparison
    raise ImproperlyConfigured(
        f"ENVIRONMENT={name!r} is unknown; use {' or '.join(get_args(Environment))}."
    )


def secret(name: str, *, meaning: str, at_least: int = 32) -> str:
    """Return a secret of the environment.

    Raises:
        ImproperlyConfigured: it is missing or too short to be one; the message
            says what it is for and how to make it.
    """
    value: str = env.str(name, default="")
    if len(value) >= at_least:
        return value
    state = "is not set" if not value else f"is shorter than {at_least} characters"
    raise ImproperlyConfigured(
        f"{name} {state}. It is {meaning}. Make one with: "
        'python -c "import secrets; print(secrets.token_urlsafe(48))" '
        "On a laptop, start with ./run instead: it makes its own."
    )


def redis_database(url: str, number: int) -> str:
    """Return that server's database of this number, whatever number `url` names."""
    return urlsplit(url)._replace(path=f"/{number}").geturl()
