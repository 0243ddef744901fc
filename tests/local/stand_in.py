"""A house of stand-ins: a supervisor of its own process, which tests may kill.

Start it with `python -m tests.local.stand_in FOLDER`: its programs' process numbers
are then in FOLDER/pids. With `servers` as a second word it starts the real ones too.
"""

import os
import sys
from pathlib import Path

from config.local.processes import Program, say
from config.local.programs import start_servers
from config.local.state import State
from config.local.supervisor import Stopped, Supervisor

# A program that has a child of its own, and stops it when it is asked to stop, as
# the web server and the worker do.
MASTER = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def end(*_):
    child.kill()
    sys.exit()
signal.signal(signal.SIGTERM, end)
print(child.pid, flush=True)
time.sleep(600)
"""


def main(folder: Path, *, with_servers: bool) -> None:
    """Run until a signal comes, and say so in the end."""
    state = State(folder)
    with state.alone() as lock, Supervisor() as supervisor:
        try:
            if with_servers:
                start_servers(supervisor, state=state, programs_lock=lock)
            log = folder / "master.log"
            supervisor.start(
                Program(
                    name="The stand-in",
                    command=[sys.executable, "-c", MASTER],
                    environment=os.environ,
                    folder=folder,
                    log=log,
                    keep_open=[lock],
                )
            )
            while not log.exists() or not log.read_text().strip():
                supervisor.pause()
            pids = [child.process.pid for child in supervisor.children]
            numbers = [os.getpid(), *pids, int(log.read_text())]
            (folder / "pids.new").write_text(" ".join(map(str, numbers)))
            (folder / "pids.new").rename(folder / "pids")
            say("Up.")
            supervisor.watch()
        except Stopped:
            say("Stopping.")
    say("Stopped.")
    (folder / "farewell").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]), with_servers="servers" in sys.argv[2:])
