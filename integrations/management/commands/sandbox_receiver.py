"""Run the sandbox receiver of webhooks."""

import contextlib
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.sandbox.inbox import Inbox
from integrations.sandbox.server import SandboxServer


class Command(BaseCommand):
    """Receive webhooks, show them on a page, and fail when told to."""

    help = "Receive webhooks, show them on a page, and fail when told to."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument(
            "--secret",
            default=os.environ.get("SANDBOX_SECRET", ""),
            help="whsec_..., as the subscription shows it (or SANDBOX_SECRET).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            inbox = Inbox(secret=options["secret"])
        except ValueError as error:  # empty, or not base64
            raise CommandError(
                "Give the endpoint's secret, whsec_..., by --secret or SANDBOX_SECRET."
            ) from error
        address = (options["host"], options["port"])
        with (
            contextlib.suppress(KeyboardInterrupt),
            SandboxServer(address, inbox=inbox) as server,
        ):
            at = f"http://{options['host']}:{server.server_port}"
            self.stdout.write(f"The sandbox receiver listens at {at}")
            server.serve_forever()
