"""The first steps, on machines of all kinds."""

import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

from config.local import bootstrap
from config.local.bootstrap import ROOT, ensure_environment, unsupported


@pytest.mark.parametrize("libc", ["glibc 2.28", "glibc 2.36"])
def test_runs_where_the_wheels_run(libc) -> None:
    assert unsupported(system="Linux", libc=libc) == ""
    assert unsupported(system="Darwin", libc="") == ""


@pytest.mark.parametrize(
    ("system", "libc", "words"),
    [
        ("Windows", "", "on Windows use WSL 2"),
        ("Linux", "", "this is musl or another C library"),
        ("Linux", "glibc 2.17", "this is glibc 2.17"),
        ("FreeBSD", "", "this is FreeBSD"),
    ],
)
def test_says_in_one_sentence_why_it_cannot_run(system, libc, words) -> None:
    complaint = unsupported(system=system, libc=libc)

    assert words in complaint
    assert "docker-compose.yml" in complaint
    assert "\n" not in complaint


def test_installs_nothing_twice(monkeypatch) -> None:
    monkeypatch.setattr(bootstrap, "_install", pytest.fail)

    ensure_environment("dev")  # ./test has just installed it
    ensure_environment("local")  # which it includes


def test_a_changed_lock_is_installed_anew(tmp_path, monkeypatch) -> None:
    changed = tmp_path / "dev.lock"
    changed.write_text("other==1")
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "_lock_file", lambda _: changed)
    monkeypatch.setattr(bootstrap, "_install", installed.append)

    ensure_environment("dev")

    assert installed == ["dev"]


def test_a_full_disk_is_a_sentence(monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 7 * 2**20))

    with pytest.raises(SystemExit, match=r"The disk is full: .* 7 MB are free"):
        bootstrap._install("local")


@pytest.mark.parametrize("script", ["run", "test"])
def test_an_old_python_is_a_sentence(script) -> None:
    pretend = (
        "import sys, runpy; sys.version_info = (3, 9, 2); "
        f"runpy.run_path({str(ROOT / script)!r}, run_name='__main__')"
    )

    done = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == "Fieldbook needs Python 3.11 or newer; this is 3.9.\n"
