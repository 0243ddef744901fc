"""How Mailchimp refuses: RFC 7807 problems."""

from collections.abc import Mapping
from uuid import uuid4

from integrations.sandbox.wire import Reply


class Problem(Exception):
    """A call that Mailchimp refuses. `fields` says what is wrong with which."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.fields = fields or {}

    def reply(self) -> Reply:
        """Return it as the answer to the call."""
        body = {
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": str(uuid4()),
        }
        errors = [{"field": name, "message": why} for name, why in self.fields.items()]
        return Reply(
            status=self.status,
            json={**body, "errors": errors} if errors else body,
            headers={"Content-Type": "application/problem+json; charset=utf-8"},
        )


def not_found() -> Problem:
    """Return the refusal of what is not there."""
    return Problem(404, "Resource Not Found", "The requested resource is not here.")


def invalid(**fields: str) -> Problem:
    """Return the refusal of a body, by field."""
    detail = "The submitted resource is not valid; see errors for the fields."
    return Problem(400, "Invalid Resource", detail, fields)
