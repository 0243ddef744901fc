"""Make a start ready: migrate the database, seed an empty one, connect the sandbox."""

import os
import sys
from pathlib import Path

import django
from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone


def prepare() -> None:
    """Migrate; write the demo company where there is none; connect the sandbox."""
    call_command("migrate", verbosity=0, interactive=False)
    if not apps.get_model("core.Location").objects.exists():
        call_command("seed_demo")
    _connect_sandbox(Path(os.environ["SANDBOX_ACTS"]))


def _connect_sandbox(acts: Path) -> None:
    """Have the fake vendors and us know each other."""
    from config.demo.vendors import (  # noqa: PLC0415  # needs the models loaded
        connect_vendors,
        write_acts,
    )

    write_acts(connect_vendors(now=timezone.now()), acts)


if __name__ == "__main__":
    django.setup()
    try:
        prepare()
    except OperationalError as error:
        sys.exit(f"The database does not let us in: {error}")
