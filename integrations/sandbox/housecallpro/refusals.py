"""How Housecall Pro refuses: in five shapes, and with a page where nothing is."""

from typing import Any

from integrations.sandbox.wire import Reply

_PAGE = (
    b"<!DOCTYPE html><html><head><title>The page you were looking for doesn't exist"
    b" (404)</title></head><body><h1>404</h1></body></html>"
)


class Refusal(Exception):
    """A call is refused with a body of one of the shapes."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body
        super().__init__(str(body))

    def reply(self) -> Reply:
        """Return the answer."""
        return Reply(status=self.status, json=self.body)


def unauthorized() -> Refusal:
    """Return the answer to a wrong key, a wrong prefix, and to none: always this."""
    return Refusal(401, {"message": "Unauthorized"})


def forbidden() -> Refusal:
    """Return the answer to a key of the wrong kind."""
    return Refusal(403, {"message": "This API key has no access to this resource"})


def not_found(kind: str) -> Refusal:
    """Return the answer where an id is nobody's."""
    return Refusal(404, {"error": {"message": f"{kind} not found"}})


def wrong_state(message: str) -> Refusal:
    """Return the answer to what cannot be done now."""
    return Refusal(422, {"error": message})


def invalid(**errors: str) -> Refusal:
    """Return the answer to members that are missing or taken."""
    found = {name: [message] for name, message in errors.items()}
    return Refusal(422, {"errors": found})


def malformed(*members: str) -> Refusal:
    """Return the answer to values of the wrong form."""
    return Refusal(400, {"message": "Invalid parameters", "attr": list(members)})


def nothing_here() -> Reply:
    """Return the page that answers a route that there is not."""
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Reply(status=404, body=_PAGE, headers=headers)
