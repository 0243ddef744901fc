"""`./run` and `./run COMMAND ...`, once .venv is there."""

import errno
import os
import sys
from collections.abc import Sequence

from config.local.command import run_command
from config.local.processes import CannotRun
from config.local.programs import DEFAULT_PORT
from config.local.state import State
from config.local.supervisor import Stopped
from config.local.up import run_house

HELP = """\
./run               starts Fieldbook: web, worker, clock, PostgreSQL and Valkey
./run COMMAND ...   runs a command of manage.py beside it (./run help lists them)

PORT                another port than 8000; the sandbox world gets the next one
DATABASE_URL        a PostgreSQL that is there already
REDIS_URL           a Redis or Valkey that is there already
STATE_DIR           another folder than .state for data, secrets and logs
"""
HIGHEST_PORT = 65534


def main(arguments: Sequence[str]) -> int:
    """Run the house, or one command; return the exit code."""
    if arguments and arguments[0] in {"-h", "--help"}:
        print(HELP, end="")
        return 0
    state = State()
    port = chosen_port()
    if arguments:
        return run_command(arguments, state=state, port=port)
    run_house(state=state, port=port)
    return 0


def chosen_port() -> int:
    """Return the port that the environment asks for."""
    text = os.environ.get("PORT") or str(DEFAULT_PORT)
    if text.isdecimal() and 0 < int(text) <= HIGHEST_PORT:
        return int(text)
    raise CannotRun(f"PORT={text} is not a port: it goes from 1 to {HIGHEST_PORT}.")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(f"Fieldbook cannot run: {reason}")
    except Stopped:
        sys.exit(0)
    except OSError as error:
        if not error.filename and error.errno != errno.ENOSPC:
            raise
        sys.exit(f"Fieldbook cannot write {error.filename or ''}: {error.strerror}.")
