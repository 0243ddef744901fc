"""The bench's own instruments: processor time, load, and the whole of it once."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.cpu import seconds_of_tree
from bench.load import LoadGenerator, Request
from config.local.bootstrap import ROOT

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="no gcc: the bench's load generator is in C"
)
_BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


def test_the_time_of_children_counts_while_they_live_and_afterwards() -> None:
    before = seconds_of_tree(os.getpid())
    alive = subprocess.Popen(
        [sys.executable, "-c", f"{_BURN}print(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert alive.stdin is not None
    assert alive.stdout is not None
    alive.stdout.readline()
    while_alive = seconds_of_tree(os.getpid()) - before
    alive.communicate(b"\n")
    afterwards = seconds_of_tree(os.getpid()) - before

    assert while_alive >= 0.3
    assert afterwards >= while_alive - 0.02  # the coarser clock


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = 404 if self.path == "/missing" else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@needs_gcc
def test_load_is_bounded_by_a_count(tmp_path: Path, port: int) -> None:
    requests = [Request(path="/"), Request(path="/missing")]

    outcome = LoadGenerator(tmp_path).run(
        requests, port=port, connections=3, seconds=20, most=40
    )

    assert (outcome.done, outcome.failed) == (40, 0)
    assert outcome.statuses == {"200": 20, "404": 20}
    assert "404 Not Found" in outcome.refusal
    assert 0 < outcome.p50 <= outcome.p95 <= outcome.p99 <= outcome.slowest


@needs_gcc
def test_an_open_loop_keeps_its_rate(tmp_path: Path, port: int) -> None:
    outcome = LoadGenerator(tmp_path).run(
        [Request(path="/")], port=port, connections=4, seconds=1, rate=50
    )

    assert outcome.done == 50


@needs_gcc
def test_the_bench_runs_from_end_to_end() -> None:
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-bench-test-"))
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "bench", "--rows", "tiny", "--json"),
                *("--only", "list,race", "--windows", "0.3", "--rounds", "1"),
            ],
            cwd=ROOT,
            env={**os.environ, "BENCH_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(folder)

    # 1 and 2 are verdicts, and this machine is no judge of speed.
    assert done.returncode in {0, 1, 2}, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["scenarios"]["list"]["statements"] > 0
    assert set(found["race"]["ours"]["winners"]) == {1}
