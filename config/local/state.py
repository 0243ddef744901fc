"""What `./run` keeps between starts: secrets, data, logs, and who is running."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from config.local.bootstrap import ROOT
from config.local.processes import CannotRun, running_as_root, say
from config.local.servers import REACHABLE, can_be_reached_by_all

LOG_BYTES = 10_000_000
NEEDED_MEGABYTES = 200
LEFTOVERS_PATIENCE = 60.0


class SomebodyElse(CannotRun):
    """Another supervisor runs here; there can be one."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """What `running.json` tells other programs about the servers at hand."""

    pid: int
    what: str
    """How a person would call it: `./run` or `./run shell`."""
    environment: dict[str, str]
    """How to reach the servers."""


class State:
    """The folder `.state` (or STATE_DIR), which holds everything we write."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get("STATE_DIR") or ROOT / ".state")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs = self.folder / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)

    # --- Secrets --------------------------------------------------------------

    def secret(self, name: str) -> str:
        """Return a secret that stays the same from start to start."""
        file = self.folder / "secrets.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if name not in known:
            known[name] = secrets.token_hex(32)
            _write_private(file, known)
        return known[name]

    # --- Data -----------------------------------------------------------------

    def data_folder(self) -> Path:
        """Return where the servers keep their data.

        PostgreSQL refuses to run as root, and the user it gets instead may not be able
        to pass through root's folders: then the data goes to a place that is open, and
        a link shows where.
        """
        here = self.folder / "data"
        if here.is_symlink() or not running_as_root():
            return here.resolve()
        if can_be_reached_by_all(ROOT) and can_be_reached_by_all(self.folder.parent):
            self.folder.chmod(0o711)  # to pass, not to read
            return here
        there = REACHABLE / f"data-{self.secret('DATA_FOLDER')[:12]}"
        there.mkdir(parents=True, exist_ok=True)
        for folder in (REACHABLE, there):
            folder.chmod(0o755)
        here.symlink_to(there)
        return there

    def log(self, name: str) -> Path:
        """Return a log file to append to, having put a long one aside."""
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        return log

    def refuse_full_disk(self) -> None:
        """Refuse to start where PostgreSQL would soon stop."""
        free = shutil.disk_usage(self.data_folder().parent).free // 2**20
        if free < NEEDED_MEGABYTES:
            raise CannotRun(
                f"the disk is full: {free} MB are free below {self.folder}, "
                f"and it takes {NEEDED_MEGABYTES} MB to start."
            )

    # --- Who is running -------------------------------------------------------

    def running(self) -> Running | None:
        """Return what runs at the moment, if anything does."""
        note = self._note()
        if note:
            with self._lock("supervisor") as free:
                return None if free else note  # a killed one leaves its note behind
        return None

    def _note(self) -> Running | None:
        with contextlib.suppress(FileNotFoundError):
            return Running(**json.loads((self.folder / "running.json").read_text()))
        return None

    def announce(self, *, what: str, environment: Mapping[str, str]) -> None:
        """Tell other programs how to reach the servers."""
        facts = {"pid": os.getpid(), "what": what, "environment": dict(environment)}
        _write_private(self.folder / "running.json", facts)

    def withdraw(self) -> None:
        """Tell other programs that the servers are about to stop."""
        (self.folder / "running.json").unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[int]:
        """Be the only supervisor here; yield a file descriptor for all programs.

        The first lock is ours and goes with us. The second is shared with every program
        that we start: it is free only when all of them are gone, also those of a
        supervisor that was killed.

        Raises:
            SomebodyElse: there is another one.
            CannotRun: the programs of a former one do not go away.
        """
        with self._lock("supervisor") as free:
            if not free:
                raise SomebodyElse(self._who_is_there())
            with (self.folder / "programs.lock").open("a") as programs:
                self._wait_for_leftovers(programs)
                try:
                    yield programs.fileno()
                finally:
                    self.withdraw()

    def _who_is_there(self) -> str:
        other = self._note()
        if other is None:
            return "another start is under way; wait for it or end it first."
        return f"`{other.what}` is running already, as process {other.pid}."

    def _wait_for_leftovers(self, programs: TextIO) -> None:
        """Wait until the programs of a killed supervisor have stopped.

        Linux tells them to when it dies; elsewhere they may have to be told.
        """
        began = time.monotonic()
        told = False
        while not _try_lock(programs):
            waited = time.monotonic() - began
            if waited > LEFTOVERS_PATIENCE:
                raise CannotRun(
                    "programs of an earlier start still run. "
                    f"This names them: lsof '{self.folder / 'programs.lock'}'"
                )
            if waited > 1 and not told:
                say("Waiting for the programs of an earlier start to stop ...")
                told = True
            time.sleep(0.1)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[bool]:
        """Hold a lock for the length of the block; yield whether we got it."""
        with (self.folder / f"{name}.lock").open("a") as file:
            yield _try_lock(file)

    # --- Who uses the servers -------------------------------------------------

    @contextlib.contextmanager
    def using_servers(self) -> Iterator[int]:
        """Keep a command's servers from stopping while another command uses them."""
        with (self.folder / "users.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield file.fileno()

    def wait_for_other_users(self) -> None:
        """Withdraw the servers, and wait until nobody uses them any more."""
        self.withdraw()
        with (self.folder / "users.lock").open("a") as file:
            if not _try_lock(file):
                say("Another command uses the servers; waiting for it to end ...")
                fcntl.flock(file, fcntl.LOCK_EX)


def _try_lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_private(file: Path, content: Mapping[str, Any]) -> None:
    """Write a file that only we may read; readers see the old or the new, whole."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=2))
    unfinished.replace(file)
