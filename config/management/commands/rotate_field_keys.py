"""Seal every secret at rest with the newest of `FIELD_ENCRYPTION_KEYS`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.progress import Progress
from core.services.rekeying import SealedField, reseal_batch, sealed_fields

_SHOWN = 10


class Command(BaseCommand):
    """Re-encrypt secrets, after a new key was put in front of the others."""

    help = (
        "Seal every secret at rest with the newest key. Put the new key in front of "
        "FIELD_ENCRYPTION_KEYS and restart everything first; when this is done, the "
        "old keys may go. It can be stopped and started again at any time. Ends with "
        "1 where a secret opens by no key or, with --check, where an old key is still "
        "in use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="count only, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_check: bool = options["check"]
        progress = Progress(self.stdout)
        changed = 0
        unreadable: list[str] = []
        for column in sealed_fields():
            counted = self._column(column, progress=progress, is_check=is_check)
            changed += counted[0]
            unreadable += counted[1]
        what = "are sealed with an old key" if is_check else "were sealed anew"
        self.stdout.write(f"{changed:,} secrets {what}.")
        if unreadable:
            shown = ", ".join(unreadable[:_SHOWN])
            raise CommandError(
                f"No key opens {len(unreadable):,} secrets: {shown}. Keep the old keys."
            )
        if is_check and changed:
            raise CommandError("Keep the old keys, and run this without --check.")

    def _column(
        self, column: SealedField, *, progress: Progress, is_check: bool
    ) -> tuple[int, list[str]]:
        """Work through one column; return what was changed, and what nothing opens."""
        after: Any = None
        changed = 0
        unreadable: list[str] = []
        with progress.step(str(column), total=column.rows().count()) as bar:
            while True:
                done = reseal_batch(column=column, after=after, dry_run=is_check)
                bar.advance(done.seen)
                changed += done.changed
                unreadable += [f"{column} of {pk}" for pk in done.unreadable]
                after = done.after
                if after is None:
                    return changed, unreadable
