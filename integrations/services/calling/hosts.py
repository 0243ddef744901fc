"""Where a vendor's API is, and where it may be instead."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from core.errors import Rejected
from integrations.connectors.port import Connector

API = "api"
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class UntrustedHost(Rejected):
    """Credentials of a vendor are not sent there."""

    code = "untrusted_host"
    title = "Not a host of this vendor"


def base_url(connector: Connector, *, given: Mapping[str, Any], host: str) -> str:
    """Return the base URL of one of a vendor's hosts, without a slash at its end.

    `{name}` in it is filled from the settings of the connection (`given`), whose
    `hosts` may also name other ones.

    Raises:
        UntrustedHost
    """
    own = given.get("hosts") or {}
    url = own.get(host or API) or connector.hosts[host or API]
    for name, value in given.items():
        if "{" + name + "}" in url:
            if not _PLAIN.fullmatch(str(value)):
                raise UntrustedHost(f"{name} is no part of a name.")
            url = url.replace("{" + name + "}", str(value))
    check_host(connector, url=url)
    return url.rstrip("/")


def check_host(connector: Connector, *, url: str) -> None:
    """Refuse what is not the vendor's; on a laptop and in tests anything goes.

    Raises:
        UntrustedHost
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UntrustedHost("This is not a URL.") from error
    if parts.scheme not in {"http", "https"} or not name or "@" in parts.netloc:
        raise UntrustedHost("Use the URL of a host, beginning with https://.")
    if settings.VENDORS_MAY_BE_ANYWHERE:
        return
    if parts.scheme != "https" or port not in {None, 443}:
        raise UntrustedHost("Use https, on port 443.")
    if not _is_trusted(connector, name):
        raise UntrustedHost(f"{name} is not a host of {connector.vendor}.")


def _is_trusted(connector: Connector, name: str) -> bool:
    """Tell whether a host is listed, by its name or by `*.` and its domain."""
    return name in connector.trusted_hosts or any(
        pattern.startswith("*.") and name.endswith(pattern[1:])
        for pattern in connector.trusted_hosts
    )
