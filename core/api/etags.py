"""Versions on the wire: `ETag`, `If-Match` and `If-None-Match` (RFC 9110)."""

import re
from typing import Any

from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.errors import InvalidPrecondition
from core.errors import PreconditionRequired

_VERSION = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)


def if_match(request: Request, *, required: bool = False) -> int | None:
    """Return the version that the caller read; None where any version will do.

    Raises:
        InvalidPrecondition: the header is neither one version nor `*`.
        PreconditionRequired: it is missing and `required`.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header and required:
        raise PreconditionRequired("Send the ETag that you read as If-Match.")
    if header in {"", "*"}:
        return None
    found = _VERSION.fullmatch(header)
    if found is None:
        raise InvalidPrecondition('If-Match takes one version, such as "3", or *.')
    return int(found[1])


def with_etag(response: Response, version: int) -> Response:
    """Put the version on the answer."""
    response["ETag"] = f'"{version}"'
    return response


def not_modified(request: Request, version: int) -> Response | None:
    """Return a 304 where the caller has this version already (`If-None-Match`)."""
    header = request.headers.get("If-None-Match", "")
    known = {found[1] for found in _VERSION.finditer(header)}
    if header.strip() == "*" or str(version) in known:
        return with_etag(Response(status=status.HTTP_304_NOT_MODIFIED), version)
    return None


class RetrieveWithETag(GenericAPIView):
    """Show one thing with its version, or 304 where the caller has it."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = self.get_object()
        unchanged = not_modified(request, instance.version)
        if unchanged is not None:
            return unchanged
        data = self.get_serializer(instance).data
        return with_etag(Response(data), instance.version)
