"""`./run` connects the vendors of the sandbox, and forgets what they forgot."""

import json
import stat

import pytest

from config.demo.vendors import connect_vendors, write_acts
from core.ids import uuid7
from integrations.models import Connection, ExternalLink, InboundEvent
from integrations.sandbox.world import World
from integrations.services.calling import caller_for
from integrations.services.connections import inbound_path
from tests.factories import NOW, make_technician

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _here(settings) -> None:
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    settings.SANDBOX_URL = "http://127.0.0.1:8001"


def test_every_start_connects_the_same_vendors(settings) -> None:
    connect_vendors(now=NOW)
    first = set(Connection.objects.values_list("pk", "vendor"))
    settings.SANDBOX_URL = "http://127.0.0.1:9001"

    connect_vendors(now=NOW)

    assert set(Connection.objects.values_list("pk", "vendor")) == first
    assert {vendor for _, vendor in first} == {
        *("servicetitan", "mailchimp", "stripe", "twilio")
    }
    for connection in Connection.objects.all():
        assert set(connection.settings["hosts"].values()) == {
            f"http://127.0.0.1:9001/{connection.vendor}"
        }
        caller_for(connection)  # there is somebody who speaks to it


def test_what_the_sandbox_forgot_is_forgotten_here_too() -> None:
    connect_vendors(now=NOW)
    ours = Connection.objects.get(vendor="servicetitan")
    real = Connection.objects.create(vendor="servicetitan", name="The real one")
    for connection in (ours, real):
        ExternalLink.objects.create(
            connection=connection,
            object_type="customer",
            object_id=uuid7(),
            remote_type="customer",
            remote_id="1",
        )
        InboundEvent.objects.create(connection=connection, dedupe_key="poll:1")

    connect_vendors(now=NOW)

    assert ExternalLink.objects.get().connection == real
    assert InboundEvent.objects.get().connection == real  # else it were no news again


def test_the_sandbox_is_told_whom_to_call_back(tmp_path) -> None:
    make_technician(name="Maria Lopez", email="maria@larkspur.example")
    acts = connect_vendors(now=NOW)
    file = tmp_path / "acts.json"

    write_acts(acts, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    world = World()
    for vendor, wanted in json.loads(file.read_text()).items():
        if vendor == "mailchimp":
            continue  # it looks at the URL at once, and nobody is there
        for name, arguments in wanted:
            world.act(vendor, name, arguments)
    crew = world.places["servicetitan"].vendor.state()["technicians"]
    assert "maria@larkspur.example" in {each["email"] for each in crew}
    texts = Connection.objects.get(vendor="twilio")
    ((_, told),) = acts["twilio"]
    assert told["url"] == f"http://127.0.0.1:8000{inbound_path(texts)}"


def test_production_is_connected_to_no_sandbox(settings) -> None:
    settings.VENDORS_MAY_BE_ANYWHERE = False

    assert connect_vendors(now=NOW) == {}
    assert not Connection.objects.exists()
