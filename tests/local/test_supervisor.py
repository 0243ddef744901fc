"""The supervisor, with small programs that misbehave."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.processes import CannotRun, Program
from config.local.supervisor import Child, Stopped, Supervisor

SLEEP = "import time; time.sleep(600)"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); "
) + SLEEP
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def program(code: str, tmp_path: Path, **given) -> Program:
    facts = {
        "name": "The stand-in",
        "command": [sys.executable, "-c", code],
        "environment": os.environ,
        "folder": tmp_path,
        "log": tmp_path / "log",
        "patience": 5,
    }
    return Program(**{**facts, **given})


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # gone, before or meanwhile
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def watch_until(supervisor: Supervisor, condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        supervisor.look_after()
        supervisor.pause(0.02)


def said(child: Child) -> str:
    log = child.program.log
    return log.read_text() if log and log.exists() else ""


def test_starts_a_dead_program_again_and_says_so(supervisor, tmp_path, capsys) -> None:
    child = supervisor.start(program(SLEEP, tmp_path))
    first = child.process.pid
    os.kill(first, signal.SIGKILL)

    watch_until(supervisor, lambda: child.process.pid != first)

    assert is_alive(child.process.pid)
    assert capsys.readouterr().out == (
        "The stand-in was killed by SIGKILL. It starts again in 0.5 s.\n"
    )


def test_waits_longer_after_each_death(supervisor, tmp_path, capsys) -> None:
    child = supervisor.start(program("print('no'); raise SystemExit(3)", tmp_path))

    watch_until(supervisor, lambda: child.delay == 2)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("The stand-in stopped with exit code 3. ")
    assert "Its last words: no " in lines[0]
    assert lines[0].endswith("It starts again in 0.5 s.")
    assert lines[1].endswith("It starts again in 1 s.")


def test_clears_what_a_dead_program_left_behind(supervisor, tmp_path) -> None:
    child = supervisor.start(program(PARENT, tmp_path))
    watch_until(supervisor, lambda: said(child))
    grandchild = int(said(child))

    os.kill(child.process.pid, signal.SIGKILL)

    watch_until(supervisor, lambda: not is_alive(grandchild))


def test_stopping_leaves_no_process(supervisor, tmp_path) -> None:
    child = supervisor.start(program(PARENT, tmp_path))
    watch_until(supervisor, lambda: said(child))
    grandchild = int(said(child))

    supervisor.stop()

    assert not is_alive(child.process.pid)
    watch_until(supervisor, lambda: not is_alive(grandchild), seconds=1)


def test_kills_a_program_that_does_not_listen(supervisor, tmp_path) -> None:
    child = supervisor.start(program(DEAF, tmp_path, patience=0.3))
    watch_until(supervisor, lambda: said(child))

    supervisor.stop()

    assert child.process.returncode == -signal.SIGKILL


def test_stops_servers_after_those_who_lean_on_them(supervisor, tmp_path) -> None:
    farewell = (
        "import signal, sys, time; from pathlib import Path\n"
        "def end(*_):\n"
        "    time.sleep(0.3); Path('order').open('a').write(sys.argv[1])\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end); print(1, flush=True)\n" + SLEEP
    )
    for name, is_server in (("server", True), ("app", False)):
        command = [sys.executable, "-c", farewell, f"{name} "]
        child = supervisor.start(
            program("", tmp_path, command=command, is_server=is_server)
        )
        watch_until(supervisor, lambda: said(child))  # noqa: B023  # called at once
        (tmp_path / "log").unlink()

    supervisor.stop()

    assert (tmp_path / "order").read_text() == "app server "


def test_a_signal_ends_the_watch(supervisor, tmp_path) -> None:
    supervisor.start(program(SLEEP, tmp_path))

    os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        supervisor.watch()


def test_tells_why_a_start_failed(supervisor, tmp_path) -> None:
    child = supervisor.start(program("raise SystemExit('no room')", tmp_path))

    with pytest.raises(CannotRun, match=r"exit code 1\. Its last words: no room"):
        supervisor.wait_until(lambda: False, child=child, seconds=10)


def test_tells_that_a_start_takes_too_long(supervisor, tmp_path) -> None:
    child = supervisor.start(program(SLEEP, tmp_path))

    with pytest.raises(CannotRun, match="not ready after 0 s"):
        supervisor.wait_until(lambda: False, child=child, seconds=0)


def test_a_program_that_is_not_there_is_a_sentence(supervisor, tmp_path) -> None:
    with pytest.raises(CannotRun, match=r"The stand-in does not start: .*No such file"):
        supervisor.start(program("", tmp_path, command=["/nowhere/program"]))


def test_a_step_that_fails_stops_the_start(supervisor, tmp_path) -> None:
    with pytest.raises(CannotRun, match="stopped with exit code 7"):
        supervisor.run_to_end(program("raise SystemExit(7)", tmp_path))
