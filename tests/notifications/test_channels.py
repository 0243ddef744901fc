"""Providers, and what comes of a server's answers."""

import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from core.models.outbox import OutboxStatus
from notifications.channels import Message, Rejected, SmtpProvider, Unreachable
from notifications.models import Notification, State
from tests.factories import NOW
from tests.notifications.conftest import book
from tests.outside import drain, skip_waiting

MESSAGE = Message(key="key-1", recipient="ada@example.com", subject="Hi", body="There")


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that answers as it is told to, and keeps what it took."""

    allow_reuse_address = True
    daemon_threads = True
    answers: dict[str, str]
    mails: list[str]


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 ready")
        for raw in self.rfile:
            command = raw.decode().strip()
            verb = command[:4].upper()
            answer = self.server.answers.get(verb, "250 fine")
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "DATA" and answer == "250 fine":
                self._take_mail()
                continue
            self._say(answer)

    def _take_mail(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        self.server.mails.append("\n".join(lines))
        self._say(self.server.answers.get("MAIL TAKEN", "250 taken"))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mail_server(settings) -> Iterator[MailServer]:
    with MailServer(("127.0.0.1", 0), _Session) as server:
        server.answers, server.mails = {}, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.server_address[1]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 2
        settings.DEFAULT_FROM_EMAIL = "Visits <visits@fieldbook.example>"
        yield server
        server.shutdown()


def test_a_mail_carries_the_key_as_its_message_id(mail_server) -> None:
    given = SmtpProvider().send(MESSAGE, now=NOW)
    again = SmtpProvider().send(MESSAGE, now=NOW)

    assert given == again == "<key-1@fieldbook.example>"
    assert len(mail_server.mails) == 2
    assert all(f"Message-ID: {given}" in mail for mail in mail_server.mails)
    assert "Subject: Hi" in mail_server.mails[0]


@pytest.mark.parametrize(
    ("verb", "answer", "error"),
    [
        ("RCPT", "550 no such mailbox", Rejected),
        ("RCPT", "450 mailbox busy", Unreachable),
        ("MAIL", "553 not from you", Rejected),
        ("MAIL", "451 try again", Unreachable),
        ("DATA", "554 no spam here", Rejected),
        ("MAIL TAKEN", "452 disk full", Unreachable),
    ],
)
def test_refusals_are_told_apart(mail_server, verb, answer, error) -> None:
    mail_server.answers[verb] = answer

    with pytest.raises(error, match=answer[:3]):
        SmtpProvider().send(MESSAGE, now=NOW)


def test_a_server_that_is_away_is_unreachable(mail_server, settings) -> None:
    settings.EMAIL_PORT = 9  # nobody listens there

    with pytest.raises(Unreachable):
        SmtpProvider().send(MESSAGE, now=NOW)


@pytest.mark.django_db
class TestThroughTheOutbox:
    """The way of a confirmation to a real mail server."""

    @pytest.fixture(autouse=True)
    def _by_smtp(self, settings, mail_server) -> None:
        settings.NOTIFICATION_PROVIDERS = settings.NOTIFICATION_PROVIDERS | {
            "email": "notifications.channels.SmtpProvider"
        }

    @staticmethod
    def email() -> Any:
        return Notification.objects.select_related("delivery").get(channel="email")

    def test_it_arrives(self, company, mail_server) -> None:
        book(company)

        drain(now=NOW)

        assert "Hello Ada Byron" in mail_server.mails[0]
        assert self.email().provider_message_id.startswith("<")

    def test_an_outage_heals(self, company, mail_server) -> None:
        mail_server.answers["MAIL"] = "451 try again"
        book(company)
        drain(now=NOW)
        during = self.email().state
        mail_server.answers.clear()

        skip_waiting()
        drain(now=NOW)

        assert during == State.PENDING
        assert self.email().state == State.DELIVERED
        assert len(mail_server.mails) == 1

    def test_a_mailbox_that_does_not_exist_is_a_dead_letter(
        self, company, mail_server
    ) -> None:
        mail_server.answers["RCPT"] = "550 no such mailbox"
        book(company)

        drain(now=NOW)

        assert self.email().state == State.FAILED
        assert self.email().delivery.status == OutboxStatus.DEAD
        assert "no such mailbox" in self.email().delivery.last_error
