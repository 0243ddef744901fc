"""Which module speaks to which vendor."""

from collections.abc import Iterable
from importlib.util import find_spec

from django.utils.module_loading import import_string

from integrations.connectors.port import Connector
from integrations.models import Vendor

# A vendor whose module is not there is not offered.
CONNECTORS: dict[str, str] = {
    Vendor.SERVICETITAN: "integrations.connectors.servicetitan.ServiceTitan",
    Vendor.HOUSECALLPRO: "integrations.connectors.housecallpro.HousecallPro",
    Vendor.MAILCHIMP: "integrations.connectors.mailchimp.Mailchimp",
    Vendor.STRIPE: "integrations.connectors.stripe.Stripe",
    Vendor.TWILIO: "integrations.connectors.twilio.Twilio",
    Vendor.GOOGLE_MAPS: "integrations.connectors.google_maps.GoogleMaps",
}


class NoConnector(LookupError):
    """Nobody here speaks to that vendor."""


def connector_of(vendor: str) -> Connector:
    """Return the connector of a vendor. It keeps no state.

    Raises:
        NoConnector
    """
    if not is_offered(vendor):
        raise NoConnector(vendor)
    made: Connector = import_string(CONNECTORS[vendor])()
    return made


def is_offered(vendor: str) -> bool:
    """Tell whether there is a connector for a vendor."""
    path = CONNECTORS.get(vendor)
    return path is not None and find_spec(path.rpartition(".")[0]) is not None


def offered_vendors() -> Iterable[Vendor]:
    """Return the vendors that a connection can be made to."""
    return [vendor for vendor in Vendor if is_offered(vendor)]
