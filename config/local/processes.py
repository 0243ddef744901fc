"""Start programs so that none of them outlives us."""

import contextlib
import ctypes
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
# Below the ports that the kernel hands to outgoing connections, so that none of those
# can take a port between our choice and the server's start.
PORTS = range(20_000, 32_000)


class CannotRun(Exception):
    """Something outside the program stands in the way; the message says what."""


def say(sentence: str) -> None:
    """Tell the person at the terminal, if there still is one."""
    try:
        print(sentence, flush=True)
    except OSError:
        # It is closed. What waits in the buffer must not fail once more at our exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something to start, and how to stop it kindly."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    log: Path | None = None
    """Where its output goes; None is our own terminal."""
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 10.0
    """Seconds it has to stop before it is killed."""
    is_server: bool = False
    """The others lean on it: it stops last, and is given its time."""
    as_nobody: bool = False
    """Give up root first: PostgreSQL refuses to run as root."""
    keep_open: Sequence[int] = field(default=())
    """File descriptors that it inherits, such as a lock that it shares."""


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, tied to this process.

    A terminal's Ctrl-C then reaches only us, and we stop the programs in order. When
    we die without a word, the kernel sends each of them its stop signal (Linux).
    """
    with contextlib.ExitStack() as files:
        output = None
        if program.log:
            output = files.enter_context(program.log.open("ab"))
        try:
            return subprocess.Popen(
                [str(word) for word in program.command],
                cwd=program.folder,
                env=dict(program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                preexec_fn=tied_to_us(program.stop_signal),  # noqa: PLW1509  # no threads
                pass_fds=program.keep_open,
                **(identity_of_nobody() if program.as_nobody else {}),
            )
        except OSError as error:
            raise CannotRun(f"{program.name} does not start: {error}.") from error


def tied_to_us(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: die when the parent does."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is None:
            return
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died while we were being born
            os.kill(os.getpid(), signal.SIGKILL)

    return tie


def running_as_root() -> bool:
    """Tell whether we have root's rights, which PostgreSQL must not have."""
    return os.geteuid() == 0


def identity_of_nobody() -> dict[str, Any]:
    """Return the arguments for subprocess that give up root, if we are root."""
    if not running_as_root():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give_to_nobody(path: Path) -> None:
    """Hand a file or folder to the user who runs PostgreSQL, if we are root."""
    if running_as_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what a program left behind in its session, itself included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    candidates = random.sample(PORTS, 100)
    for port in candidates:
        if is_free(port):
            return port
    raise CannotRun(f"No free port between {PORTS.start} and {PORTS.stop}.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
