"""How messages leave: the port, and the providers that need no vendor.

A provider is chosen by dotted path in `settings.NOTIFICATION_PROVIDERS`.
"""

import smtplib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.core.mail import EmailMessage

# An address or a message that the server will never take (RFC 5321, 4.2.1).
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a provider is given. `key` stays the same over all tries.

    With `perhaps_since` it may have been sent, at that moment or later: nobody heard
    the answer. A provider that sends twice what it is asked twice looks first.
    """

    key: str
    recipient: str
    subject: str
    body: str
    perhaps_since: datetime | None = None


class ChannelError(Exception):
    """The message was not taken."""


class Rejected(ChannelError):
    """It never will be."""


class Unreachable(ChannelError):
    """It may be, later."""


class Unsure(ChannelError):
    """It may have been: nobody heard the answer."""


class HeldBack(ChannelError):
    """We hold it back ourselves for a while; that is no try."""

    def __init__(self, said: str, *, wait: timedelta | None) -> None:
        super().__init__(said)
        self.wait = wait


class SwitchedOff(ChannelError):
    """There is nobody to carry it until a person has looked."""


class Provider(Protocol):
    """Carries messages of one channel to people."""

    def send(self, message: Message, *, now: datetime) -> str:
        """Hand the message over; return the id that the provider gave it.

        Raises:
            Rejected, Unreachable, Unsure, HeldBack, SwitchedOff
        """


class InboxProvider:
    """Keeps messages where they are: in the database, where the admin shows them."""

    def send(self, message: Message, *, now: datetime) -> str:
        return f"inbox-{message.key}"


class SmtpProvider:
    """Sends e-mail by Django's backend (`EMAIL_URL`).

    A repeated message has the Message-ID it had before, so that mailboxes show it
    once.
    """

    def send(self, message: Message, *, now: datetime) -> str:
        mail = EmailMessage(
            subject=message.subject, body=message.body, to=[message.recipient]
        )
        domain = mail.from_email.rpartition("@")[2].strip("> ")
        message_id = f"<{message.key}@{domain}>"
        mail.extra_headers["Message-ID"] = message_id
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as refusal:
            code, said = next(iter(refusal.recipients.values()))
            raise _error(code, said) from refusal
        except smtplib.SMTPResponseException as refusal:
            raise _error(refusal.smtp_code, refusal.smtp_error) from refusal
        except OSError as error:  # also all of smtplib's other errors
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return message_id


def _error(code: int, said: bytes | str) -> ChannelError:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    kind = Rejected if code >= _PERMANENT else Unreachable
    return kind(f"{code} {text}")
