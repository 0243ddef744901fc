"""What Twilio answers to, and what people and carriers do."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.routes import answering, play
from integrations.sandbox.twilio.account import (
    ACCOUNT,
    API_KEY,
    KEY,
    NUMBER,
    Account,
    as_state,
)
from integrations.sandbox.twilio.messages import Message
from integrations.sandbox.twilio.numbers import NATURES, looked_up
from integrations.sandbox.twilio.refusals import Refusal, not_found
from integrations.sandbox.wire import Callback, Reply, Request

NUMBER_SID = "PN5a4d0b0c5a4d0b0c5a4d0b0c5a4d0b0c"
MOST_AT_ONCE = 100
MOST_PER_PAGE = 1000

_HOME = "/2010-04-01/Accounts"


class Twilio:
    """The account: one number, one messaging service."""

    name = "twilio"

    def __init__(
        self,
        *,
        key: str = KEY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._first_key = key
        self._clock = clock
        self._routes: dict[str, Callable[..., Reply]] = {
            f"GET {_HOME}/{{}}.json": self._get_account,
            f"POST {_HOME}/{{}}/Messages.json": self._send,
            f"GET {_HOME}/{{}}/Messages.json": self._list,
            f"GET {_HOME}/{{}}/Messages/{{}}.json": self._read,
            f"POST {_HOME}/{{}}/Messages/{{}}.json": self._change,
            f"DELETE {_HOME}/{{}}/Messages/{{}}.json": self._delete,
            f"GET {_HOME}/{{}}/IncomingPhoneNumbers.json": self._list_numbers,
            f"POST {_HOME}/{{}}/IncomingPhoneNumbers/{{}}.json": self._set_number,
            "GET /v2/PhoneNumbers/{}": self._look_up,
        }
        self._acts: dict[str, Callable[..., list[Callback]]] = {
            "text": self._act_text,
            "move": self._act_move,
            "hold": self._act_hold,
            "release": self._act_release,
            "describe_number": self._act_describe_number,
            "set_webhook": self._act_set_webhook,
            "replace_key": self._act_replace_key,
        }
        self.clear()

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        try:
            self._admit(request)
            answer = answering(self._routes, method=request.method, path=request.path)
            if answer is None:
                raise not_found(f"{request.method} {request.path}")
            reply = answer(request)
        except Refusal as refusal:
            reply = refusal.reply()
        return reply, self._go_on()

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        """Play `text`, `move`, `hold`, `release`, `describe_number` and the like."""
        return play(self._acts, name, arguments)

    def state(self) -> dict[str, Any]:
        return as_state(self._account)

    def clear(self) -> None:
        self._account = Account(self._first_key)

    def _admit(self, request: Request) -> None:
        pairs = {(ACCOUNT, self._account.key), API_KEY}
        if _pair_of(request.headers.get("authorization", "")) not in pairs:
            raise Refusal(20003, "Authenticate", status=401)
        if request.at_once > MOST_AT_ONCE:
            raise Refusal(20429, "Too many requests", status=429)

    def _go_on(self) -> list[Callback]:
        return list(self._account.go_on(now=self._clock()))

    def _own(self, account: str) -> Account:
        if account != ACCOUNT:
            raise not_found(f"account {account}")
        return self._account

    def _get_account(self, account: str, request: Request) -> Reply:
        self._own(account)
        body = {
            "sid": ACCOUNT,
            "friendly_name": "Sandbox",
            "status": "active",
            "type": "Full",
            "owner_account_sid": ACCOUNT,
            "uri": f"{_HOME}/{ACCOUNT}.json",
        }
        return Reply(json=body)

    def _send(self, account: str, request: Request) -> Reply:
        form = dict(request.form())
        message = self._own(account).send(form, now=self._clock())
        return Reply(status=201, json=message.as_json())

    def _list(self, account: str, request: Request) -> Reply:
        params = dict(request.params)
        found = [
            message
            for message in reversed(self._own(account).messages)
            if message.to == params.get("To", message.to)
            and message.from_ == params.get("From", message.from_)
            and _was_sent(message, params)
        ]
        size = min(_number(params, "PageSize", 50), MOST_PER_PAGE)
        page = _number(params, "Page", 0)
        shown = [each.as_json() for each in found[page * size : (page + 1) * size]]

        def uri(number: int) -> str:
            asked = {**params, "PageSize": str(size), "Page": str(number)}
            return f"{_HOME}/{account}/Messages.json?{urlencode(asked)}"

        has_more = (page + 1) * size < len(found)
        body = {
            "messages": shown,
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if has_more else None,
            "previous_page_uri": uri(page - 1) if page else None,
            "uri": uri(page),
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
        }
        return Reply(json=body)

    def _read(self, account: str, sid: str, request: Request) -> Reply:
        return Reply(json=self._message(account, sid).as_json())

    def _change(self, account: str, sid: str, request: Request) -> Reply:
        message = self._message(account, sid)
        message.change(dict(request.form()), now=self._clock())
        return Reply(json=message.as_json())

    def _delete(self, account: str, sid: str, request: Request) -> Reply:
        self._account.messages.remove(self._message(account, sid))
        return Reply(status=204)

    def _message(self, account: str, sid: str) -> Message:
        for message in self._own(account).messages:
            if message.sid == sid:
                return message
        raise not_found(f"message {sid}")

    def _list_numbers(self, account: str, request: Request) -> Reply:
        self._own(account)
        wanted = dict(request.params).get("PhoneNumber", NUMBER)
        numbers = [self._number_json()] if wanted == NUMBER else []
        return Reply(json={"incoming_phone_numbers": numbers, "page": 0})

    def _set_number(self, account: str, sid: str, request: Request) -> Reply:
        if sid != NUMBER_SID:
            raise not_found(f"number {sid}")
        form = dict(request.form())
        own = self._own(account)
        own.inbound_url = form.get("SmsUrl", own.inbound_url)
        return Reply(json=self._number_json())

    def _number_json(self) -> dict[str, Any]:
        return {
            "sid": NUMBER_SID,
            "account_sid": ACCOUNT,
            "phone_number": NUMBER,
            "capabilities": {"sms": True, "mms": True, "voice": False, "fax": False},
            "sms_url": self._account.inbound_url,
            "sms_method": "POST",
        }

    def _look_up(self, number: str, request: Request) -> Reply:
        fields = set(dict(request.params).get("Fields", "").split(","))
        nature = self._account.nature(number)
        return Reply(json=looked_up(number, nature, fields=fields))

    def _act_text(
        self, sender: str, body: str, media: Sequence[str] = ()
    ) -> list[Callback]:
        """Somebody writes to our number."""
        return list(
            self._account.receive(
                sender=sender, body=body, media=media, now=self._clock()
            )
        )

    def _act_move(
        self, sid: str, status: str, error_code: int | None = None
    ) -> list[Callback]:
        """The carrier tells of a message that was held."""
        try:
            message = self._message(ACCOUNT, sid)
        except Refusal as refusal:
            raise ValueError(refusal.message) from refusal
        now = self._clock()
        return list(self._account.move(message, status, error_code=error_code, now=now))

    def _act_hold(self) -> list[Callback]:
        """Leave messages queued from now on."""
        self._account.is_holding = True
        return []

    def _act_release(self) -> list[Callback]:
        """Let go of what was held."""
        self._account.is_holding = False
        return self._go_on()

    def _act_describe_number(self, number: str, nature: str) -> list[Callback]:
        """Say what a number is, such as a landline."""
        if nature not in NATURES:
            raise ValueError(f"A number is one of {', '.join(NATURES)}.")
        self._account.natures[number] = nature
        return []

    def _act_set_webhook(self, url: str) -> list[Callback]:
        """Set in the console where messages to our number are passed on to."""
        self._account.inbound_url = url
        return []

    def _act_replace_key(self, key: str) -> list[Callback]:
        """Promote another auth token: it opens, and signs."""
        self._account.key = key
        return []


def _pair_of(authorization: str) -> tuple[str, str]:
    scheme, _, value = authorization.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, key = text.partition(":")
    return (user, key) if scheme.lower() == "basic" else ("", "")


def _was_sent(message: Message, params: Mapping[str, str]) -> bool:
    """Tell whether it was sent on the days (or from, or until the time) asked for."""
    for name in ("DateSent", "DateSent>", "DateSent<"):
        if name not in params:
            continue
        if message.sent_at is None:
            return False
        first, last = _span(params[name])
        is_late_enough = name == "DateSent<" or message.sent_at >= first
        is_early_enough = name == "DateSent>" or message.sent_at <= last
        if not (is_late_enough and is_early_enough):
            return False
    return True


def _span(text: str) -> tuple[datetime, datetime]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(20001, f"{text} is no date.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    is_day = len(text) <= len("2026-11-21")
    return moment, moment + timedelta(days=1, microseconds=-1) if is_day else moment


def _number(params: Mapping[str, str], name: str, otherwise: int) -> int:
    text = params.get(name, str(otherwise))
    if not text.isdigit():
        raise Refusal(20001, f"{name} is no number.")
    return int(text)
