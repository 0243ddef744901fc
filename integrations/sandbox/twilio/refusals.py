"""How Twilio refuses: a code of its own beside the status."""

from integrations.sandbox.wire import Reply


class Refusal(Exception):
    """A call that Twilio refuses."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def reply(self) -> Reply:
        """Return it as the answer to the call."""
        body = {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return Reply(status=self.status, json=body)


def not_found(what: str) -> Refusal:
    """Return the refusal of what is not there."""
    return Refusal(20404, f"There is no {what}.", status=404)
