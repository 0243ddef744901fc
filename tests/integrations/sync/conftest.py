"""A fake ServiceTitan on this machine, and a company that is connected to it."""

from collections.abc import Iterator

import pytest

from integrations.models import Connection
from integrations.sandbox.server import running_world
from integrations.sandbox.servicetitan import ServiceTitan
from integrations.sandbox.world import World
from integrations.services.calling import budget, guard, keeping
from tests.integrations.sync.company import make_crew
from tests.integrations.sync.crm import Crm


@pytest.fixture
def crm() -> Iterator[Crm]:
    """Start the vendor, and forget what earlier tests left in the process."""
    for kept in (guard._tallies, budget._local, keeping._kept):
        kept.clear()
    world = World(pace=0.01, vendors={"servicetitan": ServiceTitan()})
    with running_world(world=world) as running:
        yield Crm(running)


@pytest.fixture
def crew(db):
    """Return two technicians of one branch, whom the vendor knows by e-mail."""
    return make_crew(2)


@pytest.fixture
def connection(crm: Crm, crew) -> Connection:
    for technician in crew:
        crm.act("add_technician", name=technician.name, email=technician.email)
    return crm.connect()
