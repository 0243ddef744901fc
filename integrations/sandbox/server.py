"""The sandbox over HTTP: vendors to call, webhooks in, a page and JSON out."""

import json
import secrets
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from integrations.sandbox.control import Control
from integrations.sandbox.inbox import Inbox, Mode
from integrations.sandbox.wire import Request
from integrations.sandbox.world import Outcome, World, body_of

MOST_BYTES = 1024 * 1024
_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_OURS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SandboxServer(ThreadingHTTPServer):
    """Listens for calls and webhooks, a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], *, inbox: Inbox, world: World | None = None
    ) -> None:
        self.inbox = inbox
        self.world = World() if world is None else world
        self.control = Control(self.world)
        super().__init__(address, _Handler)

    def server_close(self) -> None:
        super().server_close()
        self.world.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A world that listens."""

    url: str
    world: World

    def at(self, vendor: str) -> str:
        """Return the base URL of a vendor."""
        return f"{self.url}/{vendor}"


@contextmanager
def running_world(
    *, pace: float = 0.01, world: World | None = None
) -> Iterator[Running]:
    """Let a world listen on a free port of this machine, within this process."""
    inbox = Inbox(secret=f"whsec_{b64encode(secrets.token_bytes(24)).decode()}")
    there = World(pace=pace) if world is None else world
    with SandboxServer(("127.0.0.1", 0), inbox=inbox, world=there) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Running(url=f"http://127.0.0.1:{server.server_port}", world=there)
        finally:
            server.shutdown()
            thread.join()


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

    def do_PUT(self) -> None:
        self._route({})

    def do_PATCH(self) -> None:
        self._route({})

    def do_HEAD(self) -> None:
        self._route({})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
        """Say nothing: the page shows it all."""

    def _route(self, routes: dict[str, Callable[[], None]]) -> None:
        path, _, query = self.path.partition("?")
        name = path.split("/", 2)[1] if "/" in path else ""
        if path in routes:
            routes[path]()
        elif name in self.server.world.places:
            self._vendor(name, path=path.removeprefix(f"/{name}"), query=query)
        elif name == "world":
            self._control(path)
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."})

    def _page(self) -> None:
        self._send(HTTPStatus.OK, _html(), headers=_OURS | {"Content-Type": _HTML})

    def _deliveries(self) -> None:
        self._answer(HTTPStatus.OK, self.server.inbox.as_json())

    def _clear(self) -> None:
        self.server.inbox.clear()
        self._answer(HTTPStatus.OK, self.server.inbox.as_json())

    def _mode(self) -> None:
        body = self._body()
        if body is None or not self._is_json():
            return
        try:
            self.server.inbox.set_mode(Mode.read(json.loads(body)))
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.OK, self.server.inbox.as_json()["mode"])

    def _control(self, path: str) -> None:
        body = self._body()
        if body is None or (self.command in {"POST", "PUT"} and not self._is_json()):
            return
        answer = self.server.control.answer
        try:
            status, told = answer(method=self.command, path=path, body=body)
        except ValueError as error:
            status, told = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        self._answer(status, told)

    def _webhook(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery, verdict = self.server.inbox.receive(body=body, headers=headers)
        time.sleep(verdict.seconds)
        self.server.inbox.answered(delivery, status=verdict.status)
        self._answer(verdict.status, {"accepted": delivery.accepted})

    def _vendor(self, name: str, *, path: str, query: str) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            method=self.command, path=path, query=query, headers=headers, body=body
        )
        outcome = self.server.world.call(name, request)
        if outcome.reply is None:
            self._cut(outcome)
            return
        wanted = {"Content-Type": _JSON} | dict(outcome.reply.headers)
        self._send(outcome.reply.status, body_of(outcome), headers=wanted)

    def _cut(self, outcome: Outcome) -> None:
        """End the connection without a word."""
        self.close_connection = True
        if outcome.reset:  # a close that lingers no time sends a reset
            now = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            self.connection.close()
        else:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _is_json(self) -> bool:
        """Refuse what is sent as anything else.

        A page of somebody else's cannot send JSON here without asking first.
        """
        if self.headers.get_content_type() == _JSON:
            return True
        error = {"error": "Send application/json."}
        self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error)
        return False

    def _body(self) -> bytes | None:
        """Return the body, or None where it has been refused."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            error = {"error": "Send at most 1 MiB, and say how long it is."}
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, body: Any) -> None:
        sent = json.dumps(body).encode()
        self._send(status, sent, headers=_OURS | {"Content-Type": _JSON})

    def _send(self, status: int, body: bytes, *, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # who asked does not wait any longer


@cache
def _html() -> bytes:
    return Path(__file__).with_name("page.html").read_bytes()
