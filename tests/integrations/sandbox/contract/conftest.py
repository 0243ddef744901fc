"""A world that listens, and an inbox that it tells."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from integrations.sandbox.server import Running, running_world


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One call of a vendor's."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Listener(ThreadingHTTPServer):
    """Takes everything that it is told, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[Heard] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/in?token=t0ken"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self._keep()

    def do_POST(self) -> None:
        self._keep()

    def _keep(self) -> None:
        heard = Heard(
            method=self.command,
            url=f"http://{self.headers['Host']}{self.path}",
            headers=dict(self.headers.items()),
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        self.server.heard.append(heard)
        self.send_response(204 if self.command == "POST" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def world() -> Iterator[Running]:
    with running_world() as running:
        yield running


def settled(world: Running, vendor: str) -> None:
    """Wait until a vendor has told all that it has to tell."""
    assert world.world.places[vendor].sender.wait_until_idle()
