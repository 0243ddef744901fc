"""The fake ServiceTitan, as tests look at it and work with it."""

from typing import Any

from django.utils import timezone

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from core.services import deliver, publish_waiting
from integrations.models import Connection
from integrations.sandbox.faults import Rule
from integrations.sandbox.server import Running
from integrations.sandbox.servicetitan import APP_KEY, CLIENT_ID, CLIENT_SECRET, TENANT
from tests.factories import DAY
from tests.integrations.sync.company import make_connection

NAME = "servicetitan"


class Crm:
    """One vendor in a world that listens."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.place = running.world.places[NAME]

    def connect(self, **settings: Any) -> Connection:
        """Connect the company to it, with ids that it knows."""
        host = self.running.at(NAME)
        return make_connection(
            settings={
                "tenant_id": str(TENANT),
                "hosts": {"api": host, "auth": host},
                "booking_provider_id": "77",
                "job_type_id": self.first("job_types"),
                "business_unit_id": self.first("business_units"),
                "campaign_id": self.first("campaigns"),
                "cancel_reason_id": self.first("cancel_reasons"),
                "no_show_reason_id": str(self.rows("cancel_reasons")[1]["id"]),
                **settings,
            },
            credentials={
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "app_key": APP_KEY,
            },
        )

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return what it keeps of one kind."""
        with self.place.lock:
            found: list[dict[str, Any]] = self.place.vendor.state()[name]
        return found

    def row(self, name: str) -> dict[str, Any]:
        """Return the only one of a kind."""
        (found,) = self.rows(name)
        return found

    def lose_appointment(self) -> None:
        """Let the only appointment be deleted there, which no call of ours could."""
        number = self.row("appointments")["id"]
        vendor: Any = self.place.vendor
        with self.place.lock:
            table = vendor._books.appointments
            table.change(table.get(number), active=False)

    def references(self) -> dict[str, Any]:
        """Return what applications keep at the only job."""
        (found,) = self.all_references()
        return found

    def all_references(self) -> list[dict[str, Any]]:
        """Return what applications keep at each job."""
        vendor: Any = self.place.vendor
        with self.place.lock:
            return [job["_external"] for job in vendor._books.jobs]

    def first(self, name: str) -> str:
        return str(self.rows(name)[0]["id"])

    def act(self, act: str, /, **arguments: Any) -> None:
        """Let somebody there do something."""
        self.running.world.act(NAME, act, arguments)

    def fail(self, *rules: Rule) -> None:
        """Let these faults be, and no others."""
        self.place.faults.put(*rules)

    def path(self, where: str) -> str:
        """Return a path of the tenant, such as of jpm/jobs."""
        module, _, rest = where.partition("/")
        return f"/{module}/v2/tenant/{TENANT}/{rest}"

    def calls(self) -> list[str]:
        """Return what it was asked, oldest first, without the tokens."""
        prefix = f"/v2/tenant/{TENANT}"
        return [
            f"{call['method']} {call['path'].replace(prefix, '')}"
            for call in reversed(self.place.journal)
            if call["path"] != "/connect/token"
        ]

    def changes(self) -> list[str]:
        """Return the calls that change something."""
        return [call for call in self.calls() if not call.startswith("GET")]

    def forget_calls(self) -> None:
        self.place.journal.clear()


def publish() -> None:
    """Let handlers hear of all that happened."""
    publish_waiting(budget=DAY)


def waiting() -> list[OutboxMessage]:
    """Return what is still to be told, oldest first."""
    rows = OutboxMessage.objects.filter(
        kind="sync", status__in=[OutboxStatus.PENDING, OutboxStatus.LEASED]
    )
    return list(rows.order_by("pk"))


def send_all() -> list[OutboxMessage]:
    """Try each message that waits once, and return them as they are afterwards."""
    messages = waiting()
    for message in messages:
        deliver(message_id=message.pk, now=timezone.now())
        message.refresh_from_db()
    return messages


def send_again() -> list[OutboxMessage]:
    """Try at once what would be tried later."""
    rows = OutboxMessage.objects.filter(kind="sync", status=OutboxStatus.PENDING)
    rows.update(next_attempt_at=timezone.now() - DAY)
    return send_all()


def told() -> list[OutboxMessage]:
    """Publish what happened and tell the vendor of it."""
    publish()
    return send_all()
