"""A vendor on this machine that answers as it is told to, and a connector for it."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from integrations.connectors.port import Caller, MappedField, Question
from integrations.models import Connection
from integrations.rules.refusals import Busy, CallFailed


@dataclass(kw_only=True)
class Reply:
    """What to answer; `raw` replaces it all."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    raw: Callable[[Any], None] | None = None

    def bytes(self) -> bytes:
        return json.dumps(self.json).encode() if self.body is None else self.body


@dataclass(kw_only=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class VendorServer(ThreadingHTTPServer):
    """Listens on loopback; `replies` come first, then `otherwise`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.otherwise: Reply | Callable[[Heard], Reply] = Reply(json={})
        self.heard: list[Heard] = []
        self.opened = 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reply_to(self, heard: Heard) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        return (
            self.otherwise
            if isinstance(self.otherwise, Reply)
            else self.otherwise(heard)
        )

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.opened += 1
        return True

    def paths(self) -> list[str]:
        return [one.path for one in self.heard]


class _Handler(BaseHTTPRequestHandler):
    server: VendorServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(
            method=self.command,
            path=self.path,
            headers=headers,
            body=body,
            at=time.monotonic(),
        )
        self.server.heard.append(heard)
        reply = self.server.reply_to(heard)
        time.sleep(reply.wait)
        if reply.raw:
            reply.raw(self)
            self.close_connection = True
            return
        said = reply.bytes()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class FakeConnector:
    """Speaks to `VendorServer`: a token from /token, which `Bearer` proves."""

    vendor = "servicetitan"
    hosts: Mapping[str, str] = {"api": "https://api.vendor.example"}
    trusted_hosts = frozenset({"api.vendor.example", "*.eu.vendor.example"})
    questions: tuple[Question, ...] = (
        Question(name="tenant", label="Tenant"),
        Question(name="region", label="Region", is_required=False, default="us"),
        Question(name="key", label="Key", is_secret=True),
    )
    calls_per_second = 1000.0
    kinds = frozenset({"customer"})
    feeds: tuple[str, ...] = ()
    poll_every = timedelta(minutes=5)
    mapping: tuple[MappedField, ...] = (
        MappedField(kind="customer", field="name", remote="name"),
        MappedField(
            kind="customer", field="phone", remote="contact.phone", winner="theirs"
        ),
    )
    finds_first = frozenset({"customer"})

    def authorise(self, call: Caller) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {call.credentials['key']}"}

    def forget_token(self, call: Caller) -> None:
        """There is none."""

    def check(self, call: Caller) -> str:
        return f"Hello {call('GET', '/me').json['name']}."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        if isinstance(body, dict):
            return str(body.get("code", "")), str(body.get("message", ""))
        return "", ""

    def _no(self, *args: Any) -> Any:
        raise NotImplementedError

    find = create = update = fetch = poll = read = _no


class TokenConnector(FakeConnector):
    """One whose token is fetched, kept, and fetched anew when it was refused."""

    def authorise(self, call: Caller) -> Mapping[str, str]:
        token = call.recall("token")
        if token is None:
            token = call("POST", "/token", may_repeat=True).json["token"]
            call.remember("token", token, seconds=900)
        return {"Authorization": f"Bearer {token}"}

    def forget_token(self, call: Caller) -> None:
        call.remember("token", "", seconds=0)


class JudgingConnector(FakeConnector):
    """One whose vendor throttles by a bare 403."""

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        return Busy if status == 403 and body is None else None


def connect(
    url: str, *, credentials: Mapping[str, str] | None = None, **given: Any
) -> Connection:
    """Make a connection that leads to `url`."""
    fields: dict[str, Any] = {
        "vendor": "servicetitan",
        "name": "Titan",
        "settings": {"hosts": {"api": url}, "tenant": "t1"},
        "credentials": json.dumps(credentials or {"key": "sk_very_secret"}),
    }
    return Connection.objects.create(**fields | given)
