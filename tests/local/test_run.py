"""`./run` as a newcomer meets it: one house, started, used, hurt and stopped."""

import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.bootstrap import ROOT
from config.local.processes import free_port, is_free, tied_to_us
from config.local.welcome import booking_lines
from tests.local.test_supervisor import is_alive

PATIENCE = 90.0  # seconds; the machine may be busy

# What runs, each by words of its command.
PROGRAMS = [
    "bin/postgres",
    "valkey-server",
    "granian",
    "--hostname worker@",
    "--hostname caller@",
    "celery -A config --quiet beat",
    "manage.py sandbox",
]

# The shell lines of the welcome call curl, which not every machine has.
CURL = """#!/usr/bin/env python3
import json, sys, urllib.request
words = sys.argv[1:]
url = next(word for word in words if word.startswith("http"))
data = words[words.index("-d") + 1].encode() if "-d" in words else None
request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())
"""


def environment(folder: Path, **given: str) -> dict[str, str]:
    """Return a newcomer's environment: nothing of the test run's own."""
    names = ("PATH", "HOME", "LANG", "TMPDIR")
    ours = {name: os.environ[name] for name in names if name in os.environ}
    return ours | {"STATE_DIR": str(folder)} | given


def run(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Call `./run` to its end."""
    return subprocess.run(
        [ROOT / "run", *words],
        env=environment(Path(given.pop("STATE_DIR")), **given),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def two_free_ports() -> int:
    """Return a free port whose neighbour is free too."""
    while True:
        port = free_port()
        if is_free(port + 1):
            return port


class House:
    """A running `./run`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, two_free_ports()
        self.output = folder.parent / "output"

    def start(self) -> None:
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [ROOT / "run"],
                env=environment(self.folder, PORT=str(self.port)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=tied_to_us(signal.SIGTERM),  # noqa: PLW1509  # no threads
            )
        self.wait_for(self.is_complete)

    def is_complete(self) -> bool:
        """Tell whether every program runs, and the site answers."""
        return all(self.program(words) for words in PROGRAMS) and self.answers()

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.output.read_text()[-3000:]
            time.sleep(0.1)

    def answers(self, path: str = "/readyz") -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status == 200 and b'"status": "ok"' in answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def programs(self) -> dict[int, str]:
        """Return our programs: process number -> command."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                parent = int(
                    (folder / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid:
                found[int(folder.name)] = b" ".join(words).decode()
        return found

    def program(self, words: str) -> int | None:
        """Return the process number of the program with these words in its command."""
        found = [pid for pid, command in self.programs().items() if words in command]
        return found[0] if found else None


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("a newcomer's") / "own state")
    try:
        house.start()
        yield house
    finally:
        house.process.terminate()
        house.process.wait(timeout=60)


def test_greets_with_addresses_logins_and_lines_to_book(house) -> None:
    said = house.output.read_text()

    assert "Fieldbook is up after" in said
    assert f"http://127.0.0.1:{house.port}/admin/" in said
    assert "admin@larkspur.example" in said
    assert booking_lines(port=house.port) in said


def test_the_lines_of_the_welcome_book_a_visit(house, tmp_path) -> None:
    curl = tmp_path / "curl"
    curl.write_text(CURL)
    curl.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["/bin/sh", "-c", booking_lines(port=house.port)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert re.search(r'"reference":"V-\w{8}","status":"scheduled"', done.stdout), done


def test_runs_a_command_beside_it(house) -> None:
    done = run("showmigrations", "core", STATE_DIR=str(house.folder))

    assert done.returncode == 0, done.stderr
    assert "[X] 0001_extensions" in done.stdout


def test_refuses_to_start_twice(house) -> None:
    done = run(STATE_DIR=str(house.folder), PORT=str(two_free_ports()))

    assert done.returncode == 1
    assert done.stderr == (
        "Fieldbook cannot run: `./run` is running already, "
        f"as process {house.process.pid}.\n"
    )


@pytest.mark.parametrize("words", PROGRAMS)
def test_brings_back_what_is_killed(house, words) -> None:
    killed = house.program(words)
    assert killed

    os.kill(killed, signal.SIGKILL)

    house.wait_for(lambda: house.program(words) not in {killed, None})
    house.wait_for(house.is_complete)


def test_stops_in_order_and_starts_again_with_its_data(house) -> None:
    before = run("shell", "-c", COUNT, STATE_DIR=str(house.folder)).stdout
    programs = house.programs()

    house.process.send_signal(signal.SIGINT)
    code = house.process.wait(timeout=60)
    said = house.output.read_text()
    left = [name for pid, name in programs.items() if is_alive(pid)]
    alone = run("shell", "-c", COUNT, STATE_DIR=str(house.folder)).stdout
    house.start()

    assert code == 0
    assert not left
    assert "Everything has stopped" in said
    assert int(before.splitlines()[-1]) > 500
    assert alone.splitlines()[-1] == before.splitlines()[-1]


COUNT = (
    "from appointments.models import Appointment; print(Appointment.objects.count())"
)


def test_a_busy_port_is_a_sentence(tmp_path) -> None:
    port = two_free_ports()
    with socket.create_server(("127.0.0.1", port)):
        done = run(STATE_DIR=str(tmp_path), PORT=str(port))

    assert done.returncode == 1
    assert done.stderr == (
        f"Fieldbook cannot run: port {port} is taken by another program. "
        f"Choose another one, such as: PORT={port + 10} ./run\n"
    )


def test_the_neighbours_port_must_be_free_too(tmp_path) -> None:
    port = two_free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        done = run(STATE_DIR=str(tmp_path), PORT=str(port))

    assert done.returncode == 1
    assert f"port {port + 1} is taken" in done.stderr


@pytest.mark.parametrize("port", ["http", "0", "65535", "-1"])
def test_a_port_that_is_none_is_a_sentence(tmp_path, port) -> None:
    done = run(STATE_DIR=str(tmp_path), PORT=port)

    assert done.returncode == 1
    assert f"PORT={port} is not a port" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path) -> None:
    (tmp_path / "file").touch()

    done = run(STATE_DIR=str(tmp_path / "file" / "state"))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("script", ["run", "test"])
def test_help_explains(script, tmp_path) -> None:
    done = subprocess.run(
        [ROOT / script, "--help"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert f"./{script}" in done.stdout
