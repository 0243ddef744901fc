"""Production is the default, and does not start without what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONG = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
COMPLETE = {
    "SECRET_KEY": LONG,
    "FIELD_ENCRYPTION_KEYS": LONG[::-1],
    "DATABASE_URL": "postgres://user:password@127.0.0.1:5432/fieldbook",
    "REDIS_URL": "redis://127.0.0.1:6379",
    "ALLOWED_HOSTS": "visits.example",
}


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check --deploy` with nothing else in the environment."""
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level=WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_with_everything_it_is_ready_to_be_deployed() -> None:
    checked = check(**COMPLETE)

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"]
)
def test_production_refuses_to_start_without(missing) -> None:
    checked = check(**{k: v for k, v in COMPLETE.items() if k != missing})

    assert checked.returncode != 0
    assert missing in checked.stderr


def test_a_short_secret_is_no_secret() -> None:
    checked = check(**COMPLETE | {"SECRET_KEY": "changeme"})

    assert checked.returncode != 0
    assert "shorter than 32" in checked.stderr


def test_an_environment_nobody_knows_is_refused() -> None:
    checked = check(**COMPLETE, ENVIRONMENT="prodution")

    assert checked.returncode != 0
    assert "production or local or test" in checked.stderr
