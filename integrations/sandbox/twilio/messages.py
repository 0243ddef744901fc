"""A message, and the way it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from secrets import token_hex
from typing import Any

from integrations.sandbox.twilio.refusals import Refusal

MOST_CHARACTERS = 1600
FIRST = frozenset({"queued", "accepted", "scheduled"})
"""Nobody is told of these: the answer to the call has said it."""
RANK = {
    **dict.fromkeys(FIRST, 0),
    "sending": 1,
    "sent": 2,
    "delivered": 3,
    "undelivered": 3,
    "failed": 3,
    "canceled": 3,
}
LAST = frozenset(status for status, rank in RANK.items() if rank == max(RANK.values()))

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


def segments_of(body: str) -> int:
    """Return how many parts it is sent in: 160 plain characters, or 70 others."""
    alone, joined = (160, 153) if _GSM.issuperset(body) else (70, 67)
    units = len(body.encode("utf-16-le")) // 2
    return 1 if units <= alone else -(-units // joined)


@dataclass(slots=True, kw_only=True)
class Message:
    """One message, ours or one that came in."""

    account: str
    to: str
    from_: str | None
    body: str
    status: str
    created_at: datetime
    direction: str = "outbound-api"
    service: str | None = None
    callback_url: str = ""
    send_at: datetime | None = None
    error_code: int | None = None
    media: int = 0
    updated_at: datetime | None = None
    sent_at: datetime | None = None
    sid: str = field(default_factory=lambda: f"SM{token_hex(16)}")

    def move(self, status: str, *, now: datetime, error_code: int | None) -> None:
        """Go on to a later status.

        Raises:
            ValueError: that is not later.
        """
        if RANK.get(status, -1) <= RANK.get(self.status, max(RANK.values())):
            raise ValueError(f"A message does not go from {self.status} to {status}.")
        self.status = status
        self.error_code = error_code
        self.updated_at = now
        if self.sent_at is None and status in {"sent", "delivered", "undelivered"}:
            self.sent_at = now

    def change(self, form: Mapping[str, str], *, now: datetime) -> None:
        """Call a scheduled one off, or take its words away once it is over.

        Raises:
            Refusal: it is too late, or too early.
        """
        if form.get("Status") == "canceled":
            if self.status != "scheduled":
                raise Refusal(30409, "Only a scheduled message can be canceled.")
            self.move("canceled", now=now, error_code=None)
        if form.get("Body") == "":
            if self.status not in LAST | {"received"}:
                raise Refusal(20009, "The message is still on its way.")
            self.body = ""
        self.updated_at = now

    def told(self) -> dict[str, str]:
        """Return the form of a status callback."""
        form = {
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "From": self.from_ or "",
            "MessageSid": self.sid,
            "MessageStatus": self.status,
            "SmsSid": self.sid,
            "SmsStatus": self.status,
            "To": self.to,
        }
        if self.service:
            form["MessagingServiceSid"] = self.service
        if self.error_code:
            form["ErrorCode"] = str(self.error_code)
        return form

    def as_json(self) -> dict[str, Any]:
        """Return the message as Twilio shows it."""
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.updated_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": "Not delivered" if self.error_code else None,
            "from": self.from_,
            "messaging_service_sid": self.service,
            "num_media": str(self.media),
            "num_segments": str(segments_of(self.body)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }
