"""`./run COMMAND ...`: a manage.py command, with servers for as long as it takes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from config.local.bootstrap import ROOT
from config.local.processes import tied_to_us
from config.local.programs import (
    MANAGE,
    app_environment,
    servers_given,
    start_servers,
    without_limits,
)
from config.local.state import SomebodyElse, State
from config.local.supervisor import Stopped, Supervisor

PATIENCE_WITH_OTHERS = 120.0


def run_command(arguments: Sequence[str], *, state: State, port: int) -> int:
    """Run a manage.py command on the servers at hand, or on ones started for it."""

    def environment(servers: Mapping[str, str]) -> dict[str, str]:
        return without_limits(app_environment(servers, state=state, port=port))

    given = servers_given()
    if {"DATABASE_URL", "REDIS_URL"} <= given.keys():
        _become_manage(arguments, environment(given))
    deadline = time.monotonic() + PATIENCE_WITH_OTHERS
    while True:
        with state.using_servers() as use:
            running = state.running()
            if running:
                os.set_inheritable(use, True)  # noqa: FBT003  # the command goes on using them
                _become_manage(arguments, environment(running.environment))
        try:
            return _run_alone(arguments, state=state, environment=environment)
        except SomebodyElse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # it is about to tell us how to reach its servers


def _become_manage(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> NoReturn:
    command = [*MANAGE, *arguments]
    os.execve(command[0], command, environment)  # noqa: S606  # our own Python


def _run_alone(
    arguments: Sequence[str],
    *,
    state: State,
    environment: Callable[[Mapping[str, str]], dict[str, str]],
) -> int:
    """Start servers, run the command at our terminal, and stop them again."""
    with state.alone() as programs_lock, Supervisor() as supervisor:
        state.refuse_full_disk()
        servers = start_servers(supervisor, state=state, programs_lock=programs_lock)
        state.announce(what=f"./run {arguments[0]}", environment=servers)
        command = subprocess.Popen(
            [*MANAGE, *arguments],
            cwd=ROOT,
            env=environment(servers),
            preexec_fn=tied_to_us(signal.SIGTERM),  # noqa: PLW1509  # no threads
        )
        while command.poll() is None:
            try:
                supervisor.pause()
            except Stopped:
                # Ctrl-C has reached the command by itself; the rest we pass on.
                command.terminate()
            supervisor.look_after()
        state.wait_for_other_users()
        return command.returncode
