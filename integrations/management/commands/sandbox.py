"""Run the sandbox world: fakes of the vendors, and a receiver of our webhooks."""

import contextlib
import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.sandbox.inbox import Inbox
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import World


class Command(BaseCommand):
    """Be the world outside on this machine, and fail when told to."""

    help = "Be the vendors and a subscriber, show them on a page, fail when told to."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument(
            "--secret",
            default=os.environ.get("SANDBOX_SECRET", ""),
            help="whsec_..., as the subscription shows it (or SANDBOX_SECRET).",
        )
        parser.add_argument(
            "--pace",
            type=float,
            default=1.0,
            help="Scales the times after which vendors tell us again; 0.1 is faster.",
        )

        parser.add_argument(
            "--acts",
            type=Path,
            help="JSON of vendor: [[act, arguments], ...], done before anybody calls.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            inbox = Inbox(secret=options["secret"])
        except ValueError as error:  # empty, or not base64
            raise CommandError(
                "Give the endpoint's secret, whsec_..., by --secret or SANDBOX_SECRET."
            ) from error
        world = World(pace=options["pace"])
        address = (options["host"], options["port"])
        with (
            contextlib.suppress(KeyboardInterrupt),
            SandboxServer(address, inbox=inbox, world=world) as server,
        ):
            at = f"http://{options['host']}:{server.server_port}"
            self._act(world, options["acts"])
            self.stdout.write(f"The sandbox world listens at {at}")
            server.serve_forever()

    def _act(self, world: World, file: Path | None) -> None:
        """Do what people do in the vendors' own apps to set them up."""
        if file is None:
            return
        for vendor, acts in json.loads(file.read_text()).items():
            for name, arguments in acts:
                world.act(vendor, name, arguments)
