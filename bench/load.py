"""Send requests and time the answers: the C program beside this file, as functions."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from config.local.processes import CannotRun

SOURCE = Path(__file__).with_name("loadgen.c")
# A window may last so much longer than asked for: answers that were due in it.
GRACE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query))

    def wire(self) -> bytes:
        """Return the bytes that are sent."""
        fields = {
            "Host": "127.0.0.1",
            "Accept": "application/json",
            **self.headers,
        }
        if self.body:
            fields["Content-Type"] = "application/json"
            fields["Content-Length"] = str(len(self.body))
        head = [f"{self.method} {self.path} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*head, "", ""]).encode() + self.body


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a window of load came to. Times are milliseconds."""

    done: int
    failed: int
    seconds: float
    p50: float
    p95: float
    p99: float
    slowest: float
    statuses: Mapping[str, int]
    refusal: str = ""
    """The first answer of 400 or above."""

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def answered(self, status: int) -> int:
        return self.statuses.get(str(status), 0)


class LoadGenerator:
    """The compiled program, and how to run it."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "loadgen"
        self._requests = folder / "requests"
        compiler = shutil.which("gcc")
        if compiler is None:
            raise CannotRun(
                "there is no gcc, and the load generator is a C program: a Python one "
                "would take the cores that are measured (Debian: apt install gcc)."
            )
        done = subprocess.run(  # noqa: S603  # our own source
            [compiler, "-O2", "-o", self._program, SOURCE],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"gcc refuses {SOURCE}:\n{done.stderr}")

    def run(
        self,
        requests: Sequence[Request],
        *,
        port: int,
        connections: int,
        seconds: float,
        rate: float = 0,
        most: int = 0,
    ) -> Outcome:
        """Send the requests in turn: `rate` a second, or as fast as answers come."""
        wires = [request.wire() for request in requests]
        with self._requests.open("wb") as file:
            file.writelines(b"%d\n%b" % (len(wire), wire) for wire in wires)
        arguments = [port, self._requests, connections, seconds, rate, most]
        done = subprocess.run(  # noqa: S603  # our own program
            [self._program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + GRACE_SECONDS,
        )
        if done.returncode:
            raise CannotRun(f"the load generator gave up: {done.stderr.strip()}")
        return Outcome(**json.loads(done.stdout), refusal=done.stderr.strip())
