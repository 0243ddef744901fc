"""`./run`: the whole house, until somebody stops it."""

import http.client
import time

from config.local.processes import CannotRun, is_free, say
from config.local.programs import (
    House,
    app_environment,
    sandbox_port,
    start_servers,
)
from config.local.state import State
from config.local.supervisor import Stopped, Supervisor
from config.local.welcome import welcome

FIRST_ANSWER_SECONDS = 120


def run_house(*, state: State, port: int) -> None:
    """Start everything, keep it running, and stop it in good order."""
    began = time.monotonic()
    with state.alone() as programs_lock:
        _refuse_busy_ports(port)
        state.refuse_full_disk()
        with Supervisor() as supervisor:
            try:
                servers = start_servers(
                    supervisor, state=state, programs_lock=programs_lock
                )
                house = House(
                    state=state,
                    environment=app_environment(servers, state=state, port=port),
                    port=port,
                    programs_lock=programs_lock,
                )
                supervisor.run_to_end(house.prepare())
                state.announce(what="./run", environment=servers)
                _start_app(supervisor, house)
                say(welcome(port=port, seconds=time.monotonic() - began))
                supervisor.watch()
            except Stopped:
                say("\nStopping ...")
        say("Everything has stopped; the data stays.")


def _start_app(supervisor: Supervisor, house: House) -> None:
    """Start the web server, and what can wait when it answers."""
    web = supervisor.start(house.web())
    supervisor.wait_until(
        lambda: _answers(house.port), child=web, seconds=FIRST_ANSWER_SECONDS
    )
    for program in (house.worker(), house.caller(), house.beat(), house.sandbox()):
        supervisor.start(program)


def _answers(port: int) -> bool:
    """Tell whether the web server answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _refuse_busy_ports(port: int) -> None:
    """Refuse to start beside another program on our ports."""
    for number in (port, sandbox_port(port)):
        if not is_free(number):
            raise CannotRun(
                f"port {number} is taken by another program. Choose another one, "
                f"such as: PORT={port + 10} ./run"
            )
