"""The account: what was sent, who opted out, and whom it tells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.twilio.messages import MOST_CHARACTERS, RANK, Message
from integrations.sandbox.twilio.numbers import MAGIC, NATURES, Nature, is_e164
from integrations.sandbox.twilio.refusals import Refusal
from integrations.sandbox.twilio.signing import signed
from integrations.sandbox.wire import Callback

ACCOUNT = "AC5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c"
KEY = "b0c5a4d0b0c5a4d0b0c5a4d0b0c5a4d0"
API_KEY = ("SK5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c", "c5a4d0b0c5a4d0b0")
NUMBER = "+15005550006"
SERVICE = "MG5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c"

STOPS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}
STARTS = {"START", "UNSTOP", "YES"}
HELPS = {"HELP", "INFO"}
SCHEDULED_AHEAD = (timedelta(minutes=5), timedelta(days=35))


@dataclass(slots=True)
class Account:
    """Everything that one account keeps."""

    key: str
    inbound_url: str = ""
    messages: list[Message] = field(default_factory=list)
    """The oldest first."""
    natures: dict[str, str] = field(default_factory=lambda: dict(MAGIC))
    opted_out: set[str] = field(default_factory=set)
    is_holding: bool = False
    """Whether messages stay queued until somebody lets them go."""

    def nature(self, number: str) -> Nature:
        """Return what a number is; nobody has said: a mobile."""
        return NATURES[self.natures.get(number, "mobile")]

    def send(self, form: Mapping[str, str], *, now: datetime) -> Message:
        """Take a message on: asked twice, it sends twice.

        Raises:
            Refusal: it will not.
        """
        self._check(form)
        service = form.get("MessagingServiceSid")
        send_at = _send_at(form, now=now)
        status = "accepted" if service else "queued"
        message = Message(
            account=ACCOUNT,
            to=form["To"],
            from_=form.get("From") or NUMBER,
            body=form["Body"],
            status="scheduled" if send_at else status,
            service=service,
            callback_url=form.get("StatusCallback", ""),
            send_at=send_at,
            created_at=now,
        )
        self.messages.append(message)
        return message

    def _check(self, form: Mapping[str, str]) -> None:
        to, body = form.get("To", ""), form.get("Body", "")
        nature = self.nature(to)
        problems = [
            (not to, 21604, "A 'To' is needed."),
            (not form.get("From") and not form.get("MessagingServiceSid"), 21603,
             "A 'From' or a messaging service is needed."),
            (not body, 21602, "A body is needed."),
            (len(body) > MOST_CHARACTERS, 21617, "The body is too long."),
            (not is_e164(to), 21211, f"{to} is not a valid phone number."),
            (form.get("From", NUMBER) != NUMBER, 21606, "That 'From' sends no SMS."),
            (form.get("MessagingServiceSid", SERVICE) != SERVICE, 21701,
             "There is no such messaging service."),
            (to == NUMBER, 21266, "'To' and 'From' are the same."),
            (nature.refused is not None, nature.refused, f"{to} {nature.why}."),
            (to in self.opted_out, 21610, f"{to} has opted out."),
        ]  # fmt: skip
        for is_wrong, code, message in problems:
            if is_wrong and code is not None:
                raise Refusal(code, message)

    def go_on(self, *, now: datetime) -> Iterator[Callback]:
        """Bring to their end all messages whose time has come."""
        for message in self.messages:
            is_due = message.send_at is None or message.send_at <= now
            if message.direction != "inbound" and is_due and not self.is_holding:
                yield from self._finish(message, now=now)

    def _finish(self, message: Message, *, now: datetime) -> Iterator[Callback]:
        lost = self.nature(message.to).undelivered
        steps = ["sending", "sent", "undelivered" if lost else "delivered"]
        for status in steps:
            if RANK[status] > RANK[message.status]:
                error = lost if status == "undelivered" else None
                yield from self.move(message, status, error_code=error, now=now)

    def move(
        self, message: Message, status: str, *, error_code: int | None, now: datetime
    ) -> Iterator[Callback]:
        """Move a message on, and tell its callback."""
        message.move(status, now=now, error_code=error_code)
        if message.callback_url:
            yield signed(message.callback_url, message.told(), key=self.key)

    def receive(
        self, *, sender: str, body: str, media: Sequence[str], now: datetime
    ) -> Iterator[Callback]:
        """Take in what somebody writes to our number, and pass it on."""
        message = Message(
            account=ACCOUNT,
            to=NUMBER,
            from_=sender,
            body=body,
            status="received",
            direction="inbound",
            media=len(media),
            created_at=now,
            sent_at=now,
        )
        self.messages.append(message)
        wish = wish_of(body)
        if wish == "STOP":
            self.opted_out.add(sender)
        elif wish == "START":
            self.opted_out.discard(sender)
        if self.inbound_url:
            form = _inbound(message, media) | ({"OptOutType": wish} if wish else {})
            yield signed(self.inbound_url, form, key=self.key)


def wish_of(body: str) -> str:
    """Return what a word of its own means to Twilio: STOP, START, HELP or nothing."""
    word = body.strip().upper()
    for wish, words in {"STOP": STOPS, "START": STARTS, "HELP": HELPS}.items():
        if word in words:
            return wish
    return ""


def _inbound(message: Message, media: Sequence[str]) -> dict[str, str]:
    form = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": message.body,
        "From": message.from_ or "",
        "FromCity": "",
        "FromCountry": "US",
        "FromState": "",
        "FromZip": "",
        "MessageSid": message.sid,
        "NumMedia": str(len(media)),
        "NumSegments": message.as_json()["num_segments"],
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
        "ToCountry": "US",
    }
    for number, url in enumerate(media):
        form[f"MediaUrl{number}"] = url
        form[f"MediaContentType{number}"] = "image/jpeg"
    return form


def _send_at(form: Mapping[str, str], *, now: datetime) -> datetime | None:
    """Return when a message is to be sent; None: at once.

    Raises:
        Refusal: it cannot be scheduled so.
    """
    if "SendAt" not in form:
        return None
    if form.get("ScheduleType") != "fixed" or "MessagingServiceSid" not in form:
        raise Refusal(35118, "Scheduling takes a messaging service and 'fixed'.")
    try:
        send_at = datetime.fromisoformat(form["SendAt"])
        ahead = send_at - now
    except (ValueError, TypeError) as error:
        raise Refusal(35111, "'SendAt' is no time with a zone.") from error
    if not SCHEDULED_AHEAD[0] <= ahead <= SCHEDULED_AHEAD[1]:
        raise Refusal(35114, "'SendAt' lies outside 5 minutes to 35 days from now.")
    return send_at


def as_state(account: Account) -> dict[str, Any]:
    """Return everything, as JSON."""
    return {
        "messages": [message.as_json() for message in account.messages],
        "opted_out": sorted(account.opted_out),
        "numbers": dict(account.natures),
        "inbound_url": bool(account.inbound_url),
        "is_holding": account.is_holding,
    }
