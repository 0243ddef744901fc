"""`./test`: the checks, then pytest, on servers made for this run and thrown away."""

import contextlib
import filecmp
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.local.bootstrap import ROOT, VENV
from config.local.processes import CannotRun, say, tied_to_us
from config.local.servers import SPEED_BEFORE_SAFETY, Postgres, Valkey
from config.local.supervisor import Stopped, Supervisor

MODULE = (sys.executable, "-m")
MANAGE = (sys.executable, "manage.py")
SCHEMA = ROOT / "openapi.yaml"

# One process per core; more than four only wait for PostgreSQL. The tests of a file
# stay together: they may share something that takes long to start.
IN_PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")

HELP = """\
./test [PYTEST ARGUMENTS ...]

With no arguments: every check, then the whole test suite. The exit code is 1 if
any of them failed.
With arguments: they go to pytest as they are, and only pytest runs:

    ./test tests/leads -k phone
"""


@dataclass(frozen=True)
class Check:
    """A question about the source, asked of a tool that answers by its exit code."""

    name: str
    commands: Sequence[Sequence[str]]
    verdict: Callable[[], str] = str
    """Looks at what the tool made, and returns what is wrong with it, or ""."""


@contextlib.contextmanager
def throw_away_servers() -> Iterator[dict[str, str]]:
    """Start a PostgreSQL and a Valkey for this run; yield how to reach them.

    TEST_DATABASE_URL and TEST_REDIS_URL name other servers. DATABASE_URL and
    REDIS_URL do not: the suite empties what it is given.
    """
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-test-"))
    folder.chmod(0o755)  # the user who runs PostgreSQL must pass; it closes its own
    try:
        with Supervisor() as supervisor:
            yield {
                "DATABASE_URL": os.environ.get("TEST_DATABASE_URL")
                or _start_postgres(supervisor, folder),
                "REDIS_URL": os.environ.get("TEST_REDIS_URL")
                or _start_valkey(supervisor, folder),
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_postgres(supervisor: Supervisor, folder: Path) -> str:
    postgres = Postgres(
        home=folder / "postgres",
        log=folder / "postgres.log",
        password=secrets.token_hex(16),
        tuning=SPEED_BEFORE_SAFETY,
    )
    postgres.prepare()
    child = supervisor.start(postgres.program())
    supervisor.wait_until(postgres.is_ready, child=child, seconds=60)
    return postgres.url


def _start_valkey(supervisor: Supervisor, folder: Path) -> str:
    valkey = Valkey(
        home=folder / "valkey",
        log=folder / "valkey.log",
        password=secrets.token_hex(16),
        keeps_data=False,
    )
    valkey.prepare()
    child = supervisor.start(valkey.program())
    supervisor.wait_until(valkey.is_ready, child=child, seconds=60)
    return valkey.url


def environment_for_tests(servers: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every check: ours, and nothing of the person's own."""
    return {
        **os.environ,
        **servers,
        "ENVIRONMENT": "test",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        # Enough for a busy machine, and for tables that nobody has analysed yet.
        "DATABASE_STATEMENT_TIMEOUT_MS": "30000",
        # What docker-compose.yml asks for beside the keys.
        "POSTGRES_PASSWORD": "none",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def checks(folder: Path) -> list[Check]:
    """Return all checks, the slow ones first so that the quick fill the gaps."""
    made = folder / "openapi.yaml"
    describe = [*MANAGE, "spectacular", "--validate", "--fail-on-warn"]
    describe += ["--file", str(made)]
    tool = VENV / "bin"
    return [
        Check("types (mypy)", [[*MODULE, "mypy", "."]]),
        Check("openapi.yaml (spectacular)", [describe], lambda: _drift(made)),
        Check(
            "migrations (makemigrations --check)",
            [[*MANAGE, "makemigrations", "--check", "--dry-run"]],
        ),
        Check(
            "lint (ruff)",
            [
                [*MODULE, "ruff", "check", "."],
                [*MODULE, "ruff", "format", "--check", "."],
            ],
        ),
        Check("imports (import-linter)", [[str(tool / "lint-imports"), "--no-cache"]]),
        Check("dependencies (deptry)", [[*MODULE, "deptry", "."]]),
        Check(
            "docker-compose.yml (compose config)",
            [[str(tool / "docker-compose"), "config", "-q"]],
        ),
        Check("Dockerfile (hadolint)", [[str(tool / "hadolint"), "Dockerfile"]]),
    ]


def _drift(made: Path) -> str:
    """Say how the committed API document differs from what the code describes."""
    if SCHEMA.exists() and filecmp.cmp(made, SCHEMA, shallow=False):
        return ""
    return (
        "openapi.yaml is not what the code says. Write it anew with:\n"
        "    ./run spectacular --file openapi.yaml"
    )


def run_check(check: Check, environment: Mapping[str, str]) -> bool:
    """Run one check, print one line about it and, if it failed, what the tool said."""
    began = time.monotonic()
    said = ""
    for command in check.commands:
        said = _complaint(command, environment)
        if said:
            break
    said = said or check.verdict()
    seconds = time.monotonic() - began
    result = "FAILED" if said else "ok"
    say(f"{result:7}{check.name:38}{seconds:6.1f} s" + (f"\n{said}" if said else ""))
    return not said


def _complaint(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a tool; return "" if it is content, or else what it said."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"Cannot start it: {error}"
    if done.returncode == 0:
        return ""
    return done.stdout.rstrip() or f"Exit code {done.returncode}."


def run_all_checks(environment: Mapping[str, str]) -> list[str]:
    """Run every check, two at a time; return the names of those that failed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(max_workers=2) as pool,
    ):
        todo = checks(Path(folder))
        passed = list(pool.map(lambda check: run_check(check, environment), todo))
    return [check.name for check, ok in zip(todo, passed, strict=True) if not ok]


def run_pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run pytest at our terminal; return its exit code."""
    process = subprocess.Popen(
        [*MODULE, "pytest", *(arguments or IN_PARALLEL)],
        env=environment,
        cwd=ROOT,
        preexec_fn=tied_to_us(signal.SIGINT),  # noqa: PLW1509  # no threads now
    )
    # However we are told to stop, pytest takes it as Ctrl-C, and tidies up. The real
    # Ctrl-C reaches it by itself.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: process.send_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return process.wait()


def main(arguments: Sequence[str]) -> int:
    """Check everything, or run pytest alone with the given arguments."""
    if arguments and arguments[0] in {"-h", "--help"}:
        print(HELP, end="")
        return 0
    failed: list[str] = []
    with throw_away_servers() as servers:
        environment = environment_for_tests(servers)
        if not arguments:
            failed = run_all_checks(environment)
        code = run_pytest(arguments, environment)
    if failed:
        print(f"Failed before pytest: {', '.join(failed)}.", file=sys.stderr)
    return code or bool(failed)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(f"./test cannot run: {reason}")
    except Stopped:
        sys.exit(130)
