"""Make .venv from a lock file, then become a program inside it.

`./run` and `./test` import this file by its path, when nothing is installed yet: it
uses the standard library only and imports no module of the project.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed"

# What each lock needs on disk, with what the installer unpacks on its way there.
MEGABYTES = {"local": 500, "dev": 1500}
# dev.lock holds every pin of local.lock (tests/local/test_locks.py keeps it so).
INCLUDES = {"local": ("local",), "dev": ("dev", "local")}
OLDEST_GLIBC = (2, 28)  # of the Valkey wheel
FIRST_PIP_WITH_TARGET = (22, 3)  # the first with --python


def become(module: str, *, lock: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by `python -m module` of an up-to-date .venv."""
    complaint = unsupported(system=platform.system(), libc=_libc())
    if complaint:
        sys.exit(complaint)
    os.chdir(ROOT)
    try:
        ensure_environment(lock)
    except OSError as error:
        sys.exit(f"Cannot write {error.filename or VENV}: {error.strerror}.")
    os.execv(  # noqa: S606  # our own Python
        PYTHON, [str(PYTHON), "-m", module, *arguments]
    )


def unsupported(*, system: str, libc: str) -> str:
    """Return why the bundled servers cannot run here, or "" if they can."""
    elsewhere = "docker-compose.yml runs the same system in containers."
    if system == "Windows":
        return f"Fieldbook needs Linux or macOS: on Windows use WSL 2. {elsewhere}"
    if system not in {"Linux", "Darwin"}:
        return f"Fieldbook needs Linux or macOS, and this is {system}. {elsewhere}"
    if system == "Linux":
        name, _, version = libc.partition(" ")
        if name != "glibc" or _numbers(version) < OLDEST_GLIBC:
            found = libc or "musl or another C library"
            return (
                "The bundled PostgreSQL and Valkey need glibc 2.28 or newer, "
                f"and this is {found}. {elsewhere}"
            )
    return ""


def _libc() -> str:
    """Return the C library, such as "glibc 2.36", or "" where it has no name."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: "23.0.1" -> (23, 0, 1)."""
    parts = version.split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())


def ensure_environment(lock: str) -> None:
    """Install the lock into .venv, unless that has been done."""
    state = ROOT / ".state"
    state.mkdir(mode=0o700, exist_ok=True)
    with (state / "install.lock").open("w") as turn:
        os.lockf(turn.fileno(), os.F_LOCK, 0)  # two would install into each other
        if _fingerprint(lock) not in _stamps():
            _install(lock)


def _fingerprint(lock: str) -> str:
    """Return what changes whenever the lock, or the Python below .venv, does."""
    digest = hashlib.sha256(_lock_file(lock).read_bytes()).hexdigest()
    return f"{lock} {digest} {PYTHON.resolve()}"


def _stamps() -> list[str]:
    """Return the fingerprints of what is installed."""
    if not (PYTHON.exists() and STAMP.exists()):
        return []
    return STAMP.read_text().splitlines()


def _lock_file(lock: str) -> Path:
    return ROOT / "requirements" / f"{lock}.lock"


def _install(lock: str) -> None:
    """Install the lock, by the quickest installer at hand."""
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < MEGABYTES[lock]:
        sys.exit(
            f"The disk is full: installing needs {MEGABYTES[lock]} MB below {ROOT}, "
            f"and {free} MB are free."
        )
    _make_venv()
    name, command = _installer()
    print(f"Installing what {lock}.lock names, with {name} ...", flush=True)
    began = time.monotonic()
    flags = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    done = subprocess.run([*command, *flags, "-r", str(_lock_file(lock))], check=False)
    if done.returncode:
        sys.exit(f"Installing failed: {name} says why above. Is the network there?")
    STAMP.write_text("\n".join(_fingerprint(each) for each in INCLUDES[lock]))
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def _make_venv() -> None:
    """Create .venv if it is not there, or belongs to a Python that is gone."""
    if PYTHON.exists() and (
        not STAMP.exists() or str(PYTHON.resolve()) in STAMP.read_text()
    ):
        return
    venv = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]
    if subprocess.run(venv, check=False).returncode:
        sys.exit(f"Python could not make {VENV}: it says why above.")


def _installer() -> tuple[str, list[str]]:
    """Return the name and the command of an installer that fills .venv."""
    uv = shutil.which("uv")
    if (
        uv
        and not subprocess.run(
            [uv, "--version"], capture_output=True, check=False
        ).returncode
    ):
        return "uv", [uv, "pip", "install", "--python", str(PYTHON)]
    pip_install = [
        "install",
        "--no-input",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    if _host_pip() >= FIRST_PIP_WITH_TARGET:
        return "pip", [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(PYTHON),
            *pip_install,
        ]
    if importlib.util.find_spec("ensurepip"):
        subprocess.run([PYTHON, "-m", "ensurepip"], check=True, capture_output=True)
        return "pip", [str(PYTHON), "-m", "pip", *pip_install]
    sys.exit(
        "There is no installer: install uv, or pip (on Debian and Ubuntu: "
        "apt-get install python3-venv), and start again."
    )


def _host_pip() -> tuple[int, ...]:
    """Return the version of the pip beside this Python, or () if there is none."""
    try:
        return _numbers(metadata.version("pip"))
    except metadata.PackageNotFoundError:
        return ()
