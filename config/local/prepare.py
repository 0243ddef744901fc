"""Make the database ready for a start: migrate it, and seed it while it is empty."""

import sys

import django
from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError


def prepare() -> None:
    """Migrate; write the demo company where there is no company yet."""
    call_command("migrate", verbosity=0, interactive=False)
    if not apps.get_model("core.Location").objects.exists():
        call_command("seed_demo")


if __name__ == "__main__":
    django.setup()
    try:
        prepare()
    except OperationalError as error:
        sys.exit(f"The database does not let us in: {error}")
