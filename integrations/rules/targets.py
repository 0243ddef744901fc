"""Which URLs and addresses the house may call for somebody who only typed them in.

A webhook goes wherever its owner says, so it must not reach what only we can reach:
this machine, its network, the cloud's metadata service. `is_public` is stricter than
`ipaddress.is_global`, which calls several tunnels into private networks global.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from core.errors import Rejected

LONGEST = 2000
# Printable ASCII without space, backslash, quotes and brackets that parsers argue over.
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What a resolver may take for an IPv4 address in disguise: 127.1, 0x7f.1, 017700000001.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_DENIED = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
]
# Of IPv6 only what is handed out as global unicast, without what leads elsewhere.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_DENIED_V6 = [
    ipaddress.ip_network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks: protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]


class UnsafeTarget(Rejected):
    """A URL that webhooks do not go to."""

    code = "unsafe_target"
    title = "Webhooks do not go there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checked URL: where to connect to, by name."""

    scheme: str
    host: str
    port: int


def check_url(url: str, *, allow_private: bool) -> Target:
    """Return where a URL leads to, judged by its text alone.

    With `allow_private` (a laptop, the tests) it may be plain HTTP, of any port and
    address.

    Raises:
        UnsafeTarget: says what is wrong with it.
    """
    if len(url) > LONGEST or not _PLAIN.fullmatch(url.lower()):
        raise UnsafeTarget("Use printable ASCII, 2000 characters at most.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UnsafeTarget("This is not a URL.") from error
    _check_shape(parts, host)
    if not allow_private:
        _check_strictly(parts, host, port)
    default = 443 if parts.scheme == "https" else 80
    return Target(
        scheme=parts.scheme, host=host, port=default if port is None else port
    )


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _DENIED)
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    return address in _GLOBAL_UNICAST and not any(
        address in network for network in _DENIED_V6
    )


def _check_shape(parts: SplitResult, host: str) -> None:
    if parts.scheme not in {"http", "https"}:
        raise UnsafeTarget("Use https.")
    if "@" in parts.netloc:
        raise UnsafeTarget("Leave out user and password.")
    if parts.fragment:
        raise UnsafeTarget("Leave out the fragment.")
    is_v6 = _is_address(host) and ":" in host
    if is_v6 != ("[" in parts.netloc) or not (_is_address(host) or _is_name(host)):
        raise UnsafeTarget("The host is neither a name nor an address.")


def _check_strictly(parts: SplitResult, host: str, port: int | None) -> None:
    if parts.scheme != "https":
        raise UnsafeTarget("Use https.")
    if port not in {None, 443}:
        raise UnsafeTarget("Use port 443.")
    if _is_address(host):
        if not is_public(ipaddress.ip_address(host)):
            raise UnsafeTarget("The address is not one of the open internet.")
    elif "." not in host:
        raise UnsafeTarget("Use a full name, with a dot.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host  # a zone id names one of our own interfaces


def _is_name(host: str) -> bool:
    """Tell whether it is a DNS name that nobody could read as a number."""
    labels = host.split(".")
    return (
        len(host) <= 253  # noqa: PLR2004  # RFC 1035
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )
