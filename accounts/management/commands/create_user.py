"""Open an account from the command line: the first admin, or a machine client."""

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.utils import timezone

from accounts import services
from accounts.models import ROLE_CHOICES
from core.actors import SYSTEM, Role
from core.errors import DomainError, Invalid
from core.models import Location
from core.text import clean_text, normalise_email


class Command(BaseCommand):
    """Ask for the password, or read it from standard input where that is a pipe."""

    help = (
        "Open an account. The password is asked for, or read from standard input: "
        "./run create_user --email a@b.example --name Ada --role admin < secret.txt"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--role", required=True, choices=[value for value, _ in ROLE_CHOICES]
        )
        parser.add_argument(
            "--location",
            action="append",
            default=[],
            metavar="CODE",
            help="a branch they belong to; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = normalise_email(options["email"])
        try:
            validate_email(email)
            user = services.create_user(
                email=email,
                name=clean_text(options["name"]),
                role=Role(options["role"]),
                location_ids=self._branches(options["location"]),
                password=self._password(),
                by=SYSTEM,
                now=timezone.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Invalid as error:
            details = (fault["detail"] for fault in error.extra["errors"])
            raise CommandError(" ".join(details)) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.email} may sign in as {user.role}.")

    def _branches(self, codes: list[str]) -> list[Any]:
        known = dict(Location.objects.filter(code__in=codes).values_list("code", "pk"))
        unknown = sorted(set(codes) - set(known))
        if unknown:
            raise CommandError(f"No branch has the code {', '.join(unknown)}.")
        return list(known.values())

    def _password(self) -> str:
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\r\n")
        password = getpass("Password: ")
        if getpass("Once more: ") != password:
            raise CommandError("The two are not the same.")
        return password
