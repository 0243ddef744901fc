"""The id of the request at hand: in each log line, event and call to a vendor."""

import re
import uuid

import structlog

_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{8,64}")


def bind_request_id(offered: str = "") -> str:
    """Bind an id to all logs of this context; a malformed offer is replaced."""
    request_id = offered if _WELL_FORMED.fullmatch(offered) else str(uuid.uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def current_request_id() -> str:
    """Return the id bound to this context, or "" outside of any request."""
    value: str = structlog.contextvars.get_contextvars().get("request_id", "")
    return value
