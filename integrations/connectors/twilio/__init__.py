"""Twilio: texts to customers, how far they came, and what people answer.

Twilio is told of no things of ours: `texts` is what sends
(`integrations.services.texting`), and its callbacks come through the inbox. There is
no idempotency key. So a text that may have been sent is looked for in Twilio's own
list, by recipient, day and words, before it is sent again.

Not verified with the vendor: the parameters of callbacks beyond those that the facts
name; that 20429 always comes with 429. Twilio queues by itself, one segment a second
for a US number: the pace below only keeps our own calls few.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from integrations.connectors.asked_only import AskedOnly
from integrations.connectors.port import Caller
from integrations.connectors.twilio import callbacks, texts
from integrations.connectors.twilio.questions import QUESTIONS
from integrations.rules.refusals import CallFailed, Refused
from integrations.rules.things import Inbound, Remote

_FORBIDDEN = 403


class Twilio(AskedOnly):
    """The connector of one account."""

    vendor = "twilio"
    hosts: Mapping[str, str] = {
        "api": "https://api.twilio.com",
        "lookups": "https://lookups.twilio.com",
    }
    trusted_hosts = frozenset({"*.twilio.com"})
    questions = QUESTIONS
    calls_per_second = 20.0

    def authorise(self, call: Caller) -> Mapping[str, str]:
        """Show the account's token, or an API key with its secret."""
        user = call.settings.get("api_key_sid") or texts.account_of(call)
        word = call.credentials.get("api_key_secret") or call.credentials.get(
            "auth_token", ""
        )
        proof = b64encode(f"{user}:{word}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}

    def check(self, call: Caller) -> str:
        """List one message: every account may, and nothing changes."""
        found = call("GET", texts.path_of(call), params={"PageSize": 1}).json
        shown = len(found.get("messages") or [])
        return f"The account answers ({shown or 'no'} messages shown)."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        if not isinstance(body, Mapping):
            return "", ""
        return str(body.get("code") or ""), str(body.get("message") or "")

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        """Tell what is wrong with one message from what is wrong with our key."""
        code = body.get("code") if isinstance(body, Mapping) else None
        if status == _FORBIDDEN and code in texts.ABOUT_THE_MESSAGE:
            return Refused
        return None

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        return texts.read(call, remote_id)

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return callbacks.read(event)
