"""Fill the database that the environment names: `python -m bench.seeding ROWS`."""

import sys

import django
from django.core.management.base import OutputWrapper
from django.utils import timezone

from bench.dataset import VOLUMES


def main(rows: str) -> None:
    """Seed the demo company, grown to that size."""
    from config.demo.seeding import seed  # noqa: PLC0415  # needs Django to be set up

    out = OutputWrapper(sys.stdout)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    out.write(seed(scale="large", seed=1, now=now, out=out, volume=VOLUMES[rows]))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
