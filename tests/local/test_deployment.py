"""The way to production: no start without secrets, no setting undocumented."""

import os
import re
import subprocess
import sys

import pytest

from config.local.bootstrap import ROOT, VENV

SECRET = "a-secret-that-is-long-enough-to-be-one-0123456789-abcdef"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "FIELD_ENCRYPTION_KEYS": SECRET,
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "ALLOWED_HOSTS": "book.example.com",
    "POSTGRES_PASSWORD": "secret",
}


def start(*command: str, environment: dict[str, str]):
    path = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=path | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def manage(*arguments: str, environment: dict[str, str]):
    command = [sys.executable, "manage.py", *arguments]
    return start(*command, environment=environment)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in PRODUCTION.items() if key != name}


def test_production_passes_djangos_deployment_checks() -> None:
    done = manage(
        "check", "--deploy", "--fail-level", "WARNING", environment=PRODUCTION
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"]
)
def test_nothing_starts_without(name) -> None:
    done = manage("check", environment=without(name))

    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_a_forgotten_environment_means_production() -> None:
    done = manage("diffsettings", environment=without("ENVIRONMENT"))

    assert "ENVIRONMENT = 'production'" in done.stdout
    assert "USE_HTTPS = True" in done.stdout


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "ALLOWED_HOSTS"],
)
def test_compose_refuses_without(name) -> None:
    compose = str(VENV / "bin" / "docker-compose")

    complete = start(compose, "config", "-q", environment=PRODUCTION)
    lacking = start(compose, "config", "-q", environment=without(name))

    assert complete.returncode == 0, complete.stderr
    assert lacking.returncode != 0
    assert f"required variable {name} is missing" in lacking.stderr


def test_every_setting_is_documented() -> None:
    settings = "".join(
        (ROOT / "config" / name).read_text() for name in ("settings.py", "env.py")
    )
    compose = (ROOT / "docker-compose.yml").read_text()
    read = {
        *re.findall(r"(?:env\.\w+|secret)\(\s*[\"']([A-Z_]+)[\"']", settings),
        *re.findall(r"\$\{([A-Z_]+)", compose),
    }
    example = (ROOT / ".env.example").read_text()

    documented = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))

    assert len(read) > 25
    assert read == documented
