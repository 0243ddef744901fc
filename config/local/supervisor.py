"""Keep a few programs running, and stop them all in order."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self

from config.local.processes import CannotRun, Program, end_group, say, spawn

TICK_SECONDS = 0.1
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
PROVEN_AFTER = 60.0
"""A program that ran for so long starts again without a growing delay."""


class Stopped(Exception):
    """Somebody asked us to stop: Ctrl-C, SIGTERM or a closed terminal."""


@dataclass(kw_only=True)
class Child:
    """A program that should run, and its present process."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    delay: float = FIRST_DELAY
    due_at: float | None = None
    """When it starts again; None while it runs."""

    @property
    def is_running(self) -> bool:
        return self.due_at is None and self.process.poll() is None


class Supervisor:
    """Starts programs, starts them again when they die, and stops them in the end.

    Use it as a context manager: leaving it leaves no process.
    """

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._asked_to_stop = threading.Event()
        self._impatient = False
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as we got it

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Ask the main loop to stop; asked twice, it kills instead of waiting."""
        self._impatient = self._asked_to_stop.is_set()
        self._asked_to_stop.set()

    # --- Starting ----------------------------------------------------------------

    def start(self, program: Program) -> Child:
        """Start a program and keep it running from now on."""
        child = Child(
            program=program, process=spawn(program), started_at=time.monotonic()
        )
        self.children.append(child)
        return child

    def wait_until(
        self, ready: Callable[[], bool], *, child: Child, seconds: float
    ) -> None:
        """Wait for a child that has just been started.

        Raises:
            CannotRun: it died, or was not ready in time.
            Stopped: we were asked to stop meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.pause()
            if not child.is_running:
                raise CannotRun(_obituary(child))
            if time.monotonic() > deadline:
                name = child.program.name
                raise CannotRun(
                    f"{name} is not ready after {seconds:.0f} s. {_last_words(child)}"
                )

    def run_to_end(self, program: Program) -> None:
        """Run a program once; it must succeed.

        Raises:
            CannotRun: it failed.
            Stopped: we were asked to stop meanwhile.
        """
        child = self.start(program)
        while child.process.poll() is None:
            self.pause()
            self.look_after(besides=child)
        self.children.remove(child)
        if child.process.returncode:
            raise CannotRun(_obituary(child))

    # --- Watching ----------------------------------------------------------------

    def watch(self) -> None:
        """Start again whatever dies, until somebody asks us to stop."""
        while True:
            self.look_after()
            self.pause()

    def pause(self, seconds: float = TICK_SECONDS) -> None:
        """Wait a moment.

        Raises:
            Stopped: we were asked to stop.
        """
        if self._asked_to_stop.wait(seconds):
            raise Stopped

    def look_after(self, besides: Child | None = None) -> None:
        """See who died, and start again who is due."""
        for child in self.children:
            if child is besides:
                continue
            if child.due_at is not None:
                self._start_again(child)
            elif child.process.poll() is not None:
                self._note_death(child)

    def _note_death(self, child: Child) -> None:
        """Say that a program died, clear its leftovers and set its next start."""
        end_group(child.process)
        now = time.monotonic()
        if now - child.started_at > PROVEN_AFTER:
            child.delay = FIRST_DELAY
        child.due_at = now + child.delay
        say(f"{_obituary(child)} It starts again in {child.delay:g} s.")
        child.delay = min(child.delay * 2, LONGEST_DELAY)

    def _start_again(self, child: Child) -> None:
        now = time.monotonic()
        if child.due_at is None or now < child.due_at:
            return
        try:
            child.process = spawn(child.program)
        except CannotRun as error:
            child.due_at = now + child.delay
            say(f"{error} Next try in {child.delay:g} s.")
            child.delay = min(child.delay * 2, LONGEST_DELAY)
            return
        child.started_at, child.due_at = now, None

    # --- Stopping ----------------------------------------------------------------

    def stop(self) -> None:
        """Stop everything: first what leans on the servers, then the servers."""
        for servers in (False, True):
            leaving = [c for c in self.children if c.program.is_server is servers]
            for child in leaving:
                _ask_to_stop(child)
            for child in leaving:
                self._see_off(child)
        self.children.clear()

    def _see_off(self, child: Child) -> None:
        """Wait for a program that was asked to stop, and kill it when it lingers."""
        deadline = time.monotonic() + child.program.patience
        while child.process.poll() is None and time.monotonic() < deadline:
            if self._impatient and not child.program.is_server:
                break
            time.sleep(TICK_SECONDS / 2)
        end_group(child.process)
        child.process.wait()


def _ask_to_stop(child: Child) -> None:
    if child.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.process.pid, child.program.stop_signal)


def _obituary(child: Child) -> str:
    """Say how a program ended, and what it said last."""
    return f"{_how_it_ended(child)} {_last_words(child)}".rstrip()


def _how_it_ended(child: Child) -> str:
    """Say how a process ended: "PostgreSQL was killed by SIGKILL."."""
    code = child.process.poll()
    if code is not None and code < 0:
        return f"{child.program.name} was killed by {signal.Signals(-code).name}."
    return f"{child.program.name} stopped with exit code {code}."


def _last_words(child: Child) -> str:
    """Return the last line of a program's log, where it has one of its own."""
    log = child.program.log
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return f"Its last words: {lines[-1]} (all of them: {log})." if lines else ""
