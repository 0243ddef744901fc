"""How Stripe refuses."""

from copy import deepcopy
from typing import Any

from integrations.sandbox.wire import Reply


class StripeError(Exception):
    """A call that Stripe refuses.

    `is_kept` tells whether the refusal is kept under the idempotency key: what fails
    on its form is not, what fails while it is done is.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        is_kept: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_kept = is_kept
        told = {"type": kind, "message": message, "code": code, "param": param}
        self.error = {name: value for name, value in told.items() if value} | more
        if code:
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code}"

    def reply(self) -> Reply:
        """Return it as the answer to the call."""
        return Reply(status=self.status, json={"error": deepcopy(self.error)})


class Declined(StripeError):
    """A card that does not pay."""


def no_such(what: str, name: str, *, param: str = "id") -> StripeError:
    """Return the refusal of what is not there."""
    return StripeError(
        f"No such {what}: '{name}'",
        status=404,
        code="resource_missing",
        param=param,
    )


def unexpected_state(intent: dict[str, Any], wish: str) -> StripeError:
    """Return the refusal of a step that an intent's status does not allow."""
    return StripeError(
        f"A PaymentIntent that is {intent['status']} cannot be {wish}.",
        code="payment_intent_unexpected_state",
        is_kept=True,
        payment_intent=intent,
    )
