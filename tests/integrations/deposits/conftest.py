"""A company that asks for deposits, and its account at a Stripe of our own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from appointments.models import Hold
from integrations.models import Connection, Deposit, InboundEvent, InboundState
from integrations.sandbox.faults import Kind, Rule
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.stripe import KEY
from integrations.sandbox.stripe import Stripe as FakeStripe
from integrations.sandbox.world import World
from integrations.services.connections.inbound import give_new_token, inbound_path
from integrations.services.deposits import tend_deposits
from integrations.services.inbox.processing import process_inbound
from leads.models import Lead
from leads.services import issue_booking_token
from tests.appointments.conftest import Company, make_company
from tests.factories import NOW, make_lead, make_service
from tests.outside import drain

EIGHT = "2027-03-02T08:00:00-07:00"
TEN = "2027-03-02T10:00:00-07:00"
SECRET = "whsec_of_our_own"
DEPOSIT = 5000


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=True) as clock:
        yield clock


@pytest.fixture
def world(settings, clock) -> Iterator[Running]:
    settings.VENDORS_MAY_BE_ANYWHERE = True
    alone = World(pace=0.01, vendors={"stripe": FakeStripe()})
    with running_world(world=alone) as world:
        yield world


@pytest.fixture
def connection(world, live_server) -> Connection:
    """Connect the account, and have it call us back."""
    made = Connection(
        vendor="stripe",
        name="Deposits",
        settings={"hosts": {"api": world.at("stripe")}},
        credentials=json.dumps({"secret_key": KEY, "webhook_secret": SECRET}),
        calls_per_second=1000,
    )
    give_new_token(made)
    made.save()
    url = live_server.url + inbound_path(made)
    world.world.act("stripe", "set_webhook", {"url": url, "secret": SECRET})
    return made


@dataclass
class Checkout:
    """A visitor's way from a slot to a visit, and the account that he pays to."""

    world: Running
    connection: Connection
    client: Any
    company: Company
    clock: Any
    lead: Lead
    token: str = ""
    hold: dict[str, Any] = field(default_factory=dict)

    # --- The visitor ------------------------------------------------------------

    def keep(self, starts_at: str = EIGHT) -> None:
        fields = {
            "service": self.company.service.code,
            "postal_code": "85004",
            "starts_at": starts_at,
            "lead": str(self.lead.pk),
            "booking_token": issue_booking_token(self.lead),
        }
        answer = self.client.post("/api/v1/holds", fields, format="json")
        assert answer.status_code == 201, answer.content
        self.hold = answer.json()
        self.token = self.hold["token"]

    def ask(self, **given: Any) -> Any:
        """Ask for the page to pay on; return the answer."""
        fields = {
            "service": self.company.service.code,
            "starts_at": self.hold["starts_at"],
            "lead": str(self.lead.pk),
            "booking_token": issue_booking_token(self.lead),
            "success_url": "https://example.com/thanks?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://example.com/book",
        }
        return self.client.post(
            "/api/v1/deposits",
            fields | given,
            format="json",
            headers={"X-Hold-Token": self.token},
        )

    def book_unpaid(self, **given: Any) -> Any:
        """Book the slot as if no deposit were asked for; return the answer."""
        fields = {
            "service": self.company.service.code,
            "starts_at": self.hold["starts_at"],
            "lead": str(self.lead.pk),
            "booking_token": issue_booking_token(self.lead),
            "hold": self.token,
        }
        return self.client.post("/api/v1/appointments", fields | given, format="json")

    def look(self, deposit: Deposit) -> Any:
        return self.client.get(
            f"/api/v1/deposits/{deposit.pk}", headers={"X-Hold-Token": self.token}
        )

    def asked(self) -> Deposit:
        """Hold a slot, and have its deposit asked for."""
        if not self.token:
            self.keep()
        answer = self.ask()
        assert answer.status_code == 201, answer.content
        return Deposit.objects.get(pk=answer.json()["id"])

    # --- Stripe -----------------------------------------------------------------

    def act(self, name: str, **given: Any) -> None:
        self.world.world.act("stripe", name, given)

    def pay(self, deposit: Deposit, **given: Any) -> None:
        self.act("pay", session=deposit.session_id, **given)

    def fault(self, kind: Kind, **given: Any) -> None:
        self.world.world.places["stripe"].faults.put(Rule(kind=kind, **given))

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """Return what the account holds of a kind."""
        found = self.world.world.places["stripe"].vendor.state()[kind]
        return list(found)

    # --- Ours -------------------------------------------------------------------

    def arrive(self) -> None:
        """Let callbacks arrive: signed now, stored, and not taken in yet."""
        self.world.world.places["stripe"].sender.wait_until_idle()

    def hear(self) -> list[str]:
        """Let callbacks arrive, and take them in; return what became of all."""
        self.arrive()
        take_in_all()
        return list(InboundEvent.objects.order_by("pk").values_list("state", flat=True))

    def let_the_hold_end(self) -> None:
        kept = Hold.objects.get(pk=self.hold["id"])
        self.clock.move_to(kept.expires_at + timedelta(seconds=1))

    def work(self) -> None:
        """Do what the beat and the outbox do."""
        tend_deposits(now=timezone.now())
        drain()


def take_in_all() -> None:
    for event in InboundEvent.objects.filter(state=InboundState.RECEIVED):
        process_inbound(event_id=event.pk, now=timezone.now())


@pytest.fixture
def checkout(world, connection, clock) -> Checkout:
    """A slot that fits once a morning, and a lead who wants it."""
    company = make_company()
    company.service = make_service(
        duration_minutes=120, deposit_cents=DEPOSIT, hold_minutes=15
    )
    return Checkout(
        world=world,
        connection=connection,
        client=APIClient(),
        company=company,
        clock=clock,
        lead=a_lead(),
    )


def a_lead(**given: Any) -> Lead:
    fields = {
        "line1": "1 Elm St",
        "city": "Phoenix",
        "region": "AZ",
        "postal_code": "85004",
        "email": "ada@example.com",
    }
    return make_lead(**fields | given)
