"""Who makes this request."""

from django.http import HttpRequest
from rest_framework.request import Request

from core.actors import ANONYMOUS, Actor


def actor_of(request: HttpRequest | Request) -> Actor:
    """Return the actor that authentication put into `request.auth`, or a visitor."""
    auth = getattr(request, "auth", None)
    return auth if isinstance(auth, Actor) else ANONYMOUS
