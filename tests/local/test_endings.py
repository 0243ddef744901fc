"""However `./run` ends, no process is left."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.bootstrap import ROOT
from config.local.processes import CannotRun, tied_to_us
from config.local.state import SomebodyElse, State
from tests.local.test_supervisor import SLEEP, is_alive

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells children that their parent died"
)


@pytest.fixture
def folder(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("a house") / "state"
    path.mkdir()
    return path


# Nothing of ours is left when the test run itself is killed.
TIE = tied_to_us(signal.SIGTERM)


def take_terminal() -> None:
    """Make stdin the session's own terminal: closing it is a SIGHUP then."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    TIE()


class House:
    """A supervisor in a process of its own, at a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.terminal, theirs = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if "_URL" not in k}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.local.stand_in", str(folder), *words],
            cwd=ROOT,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=take_terminal,  # noqa: PLW1509  # no threads here
        )
        os.close(theirs)
        self.pids = self._pids()

    def _pids(self) -> list[int]:
        file = self.folder / "pids"
        wait_for(file.exists, 30)
        return [int(word) for word in file.read_text().split()]

    def press_ctrl_c(self) -> None:
        os.write(self.terminal, b"\x03")

    def close_terminal(self) -> None:
        if self.terminal:
            os.close(self.terminal)
            self.terminal = 0

    def alive(self) -> list[int]:
        self.process.poll()
        return [pid for pid in self.pids if is_alive(pid)]


def wait_for(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


@pytest.fixture
def house(folder) -> Iterator[House]:
    house = House(folder)
    yield house
    house.process.kill()
    house.process.wait()
    house.close_terminal()


ENDINGS = {
    "Ctrl-C": House.press_ctrl_c,
    "Ctrl-C three times": lambda house: [house.press_ctrl_c() for _ in range(3)],
    "SIGTERM": lambda house: house.process.terminate(),
    "closed terminal": House.close_terminal,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_nothing_is_left_after(house, ending) -> None:
    assert len(house.alive()) == 3

    ending(house)

    wait_for(lambda: not house.alive(), 10)
    assert house.process.wait() == 0
    assert (house.folder / "farewell").exists()


def test_nothing_is_left_after_kill_9_with_real_servers(folder) -> None:
    house = House(folder, "servers")
    assert len(house.alive()) == 5

    house.process.kill()

    wait_for(lambda: not house.alive(), 10)
    with State(folder).alone():
        pass  # nobody holds the lock, not even a process that we do not know
    house.process.wait()
    house.close_terminal()


def test_a_second_supervisor_is_refused(house) -> None:
    state = State(house.folder)
    state.announce(what="./run", environment={})

    with pytest.raises(SomebodyElse, match=r"`\./run` is running already"):
        state.alone().__enter__()


def test_a_new_start_waits_for_the_leftovers_of_a_killed_one(folder, capsys) -> None:
    state = State(folder)
    late = "import time; time.sleep(1.5)"
    with state.alone() as lock:
        leftover = subprocess.Popen([sys.executable, "-c", late], pass_fds=[lock])
    began = time.monotonic()

    with state.alone():
        waited = time.monotonic() - began

    assert leftover.wait() == 0
    assert waited > 0.5
    assert "Waiting for the programs of an earlier start" in capsys.readouterr().out


def test_leftovers_that_stay_are_a_sentence(folder, monkeypatch) -> None:
    monkeypatch.setattr("config.local.state.LEFTOVERS_PATIENCE", 0.1)
    state = State(folder)
    with state.alone() as lock:
        leftover = subprocess.Popen([sys.executable, "-c", SLEEP], pass_fds=[lock])

    with pytest.raises(CannotRun, match="programs of an earlier start still run"):
        state.alone().__enter__()

    leftover.kill()
    leftover.wait()
