"""Every connector that is offered is one in full."""

import pytest

from integrations.connectors import registry
from integrations.connectors.registry import NoConnector, connector_of, offered_vendors
from integrations.models import Direction, Vendor, Winner
from integrations.services.calling.hosts import base_url

VENDORS = list(offered_vendors())


def test_a_vendor_without_a_module_is_not_offered(monkeypatch) -> None:
    nowhere = "integrations.connectors.nowhere.Nobody"
    monkeypatch.setitem(registry.CONNECTORS, Vendor.TWILIO, nowhere)

    assert Vendor.TWILIO not in offered_vendors()
    with pytest.raises(NoConnector):
        connector_of(Vendor.TWILIO)


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_names_itself_and_its_hosts(vendor, settings) -> None:
    settings.VENDORS_MAY_BE_ANYWHERE = False
    connector = connector_of(vendor)
    # What a host's name is filled from, such as the data centre of a Mailchimp key.
    given = {question.name: "us6" for question in connector.questions}

    assert connector.vendor == vendor
    assert "api" in connector.hosts
    for host in connector.hosts:
        assert base_url(connector, given=given, host=host).startswith("https://")


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_asks_each_question_once(vendor) -> None:
    names = [question.name for question in connector_of(vendor).questions]

    assert len(names) == len(set(names))
    assert "hosts" not in names
    assert connector_of(vendor).calls_per_second > 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_its_mapping_can_be_stored(vendor) -> None:
    connector = connector_of(vendor)
    rows = connector.mapping

    assert len({(row.kind, row.field) for row in rows}) == len(rows)
    assert {row.direction for row in rows} <= set(Direction.values)
    assert {row.winner for row in rows} <= set(Winner.values)
    assert connector.finds_first <= connector.kinds
