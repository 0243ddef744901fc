"""Where the descriptions cannot be had, it is said why."""

from pathlib import Path

import pytest

from tests.integrations.sandbox.contract import descriptions


@pytest.fixture
def npm(tmp_path: Path, monkeypatch) -> Path:
    """Return the path of the only npm there is, with an empty cache beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "npm"


def fetched() -> str:
    return str(descriptions._fetched.__wrapped__())


def test_no_npm(npm) -> None:
    assert "No such file" in fetched()


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("exit 7", "exit status 7"),
        ("echo x > other.tgz", "the archive is another one"),
        (":", "npm brought no archive"),
    ],
)
def test_an_npm_that_does_not_bring_it(npm, does, problem) -> None:
    npm.write_text(f"#!/bin/sh\n{does}\n")
    npm.chmod(0o755)

    assert problem in fetched()
    assert not list(npm.parent.glob("cache/**/*.json"))
