"""Calls to vendors.

`caller_for(connection)` returns what a connector is given to call its vendor with. It
answers, or raises a `CallFailed` (`integrations.rules.refusals`).
"""

from integrations.services.calling.caller import (
    TOTAL_SECONDS,
    VendorCaller,
    caller_for,
    credentials_of,
)
from integrations.services.calling.hosts import UntrustedHost, check_host

__all__ = [
    "TOTAL_SECONDS",
    "UntrustedHost",
    "VendorCaller",
    "caller_for",
    "check_host",
    "credentials_of",
]
