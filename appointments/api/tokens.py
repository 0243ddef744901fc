"""The header by which a visitor shows that a hold is his."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

HOLD_TOKEN = OpenApiParameter(
    "X-Hold-Token",
    str,
    OpenApiParameter.HEADER,
    description="The token that one's hold was given out with.",
)


def hold_token_of(request: Request) -> str:
    """Return the token that the caller shows, or ""."""
    return request.headers.get("X-Hold-Token", "")
