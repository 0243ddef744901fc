"""The sandbox over HTTP: webhooks in, a page and JSON out."""

import json
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from integrations.sandbox.inbox import Inbox, Mode

MOST_BYTES = 1024 * 1024
_JSON = "application/json"
_HTML = "text/html; charset=utf-8"


class SandboxServer(ThreadingHTTPServer):
    """Listens for webhooks, a thread for each."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, inbox: Inbox) -> None:
        self.inbox = inbox
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SandboxServer
    protocol_version = "HTTP/1.1"
    server_version = "FieldbookSandbox"
    timeout = 90  # seconds; longer than the slowest answer
    disable_nagle_algorithm = True  # else an answer waits for the head's ACK

    def do_GET(self) -> None:
        self._route({"/": self._page, "/deliveries": self._deliveries})

    def do_POST(self) -> None:
        self._route({"/webhooks": self._webhook, "/mode": self._mode})

    def do_DELETE(self) -> None:
        self._route({"/deliveries": self._clear})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
        """Say nothing: the page shows it all."""

    def _route(self, routes: dict[str, Callable[[], None]]) -> None:
        handle = routes.get(self.path.partition("?")[0])
        if handle is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."})
        else:
            handle()

    def _page(self) -> None:
        self._send(HTTPStatus.OK, _html(), content_type=_HTML)

    def _deliveries(self) -> None:
        self._answer(HTTPStatus.OK, self.server.inbox.as_json())

    def _clear(self) -> None:
        self.server.inbox.clear()
        self._answer(HTTPStatus.OK, self.server.inbox.as_json())

    def _mode(self) -> None:
        body = self._body()
        if body is None:
            return
        # A page of somebody else's cannot send JSON here without asking first.
        if self.headers.get_content_type() != _JSON:
            error = {"error": "Send application/json."}
            self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error)
            return
        try:
            self.server.inbox.set_mode(Mode.read(json.loads(body)))
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.OK, self.server.inbox.as_json()["mode"])

    def _webhook(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery, verdict = self.server.inbox.receive(body=body, headers=headers)
        time.sleep(verdict.seconds)
        self.server.inbox.answered(delivery, status=verdict.status)
        self._answer(verdict.status, {"accepted": delivery.accepted})

    def _body(self) -> bytes | None:
        """Return the body, or None where it has been refused."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            error = {"error": "Send at most 1 MiB, and say how long it is."}
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), content_type=_JSON)

    def _send(self, status: int, body: bytes, *, content_type: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked does not wait any longer


@cache
def _html() -> bytes:
    return Path(__file__).with_name("page.html").read_bytes()
