"""No test can reach the world, even one that wants to."""

import socket

import pytest


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "example.com"])
@pytest.mark.parametrize("connect", ["connect", "connect_ex"])
def test_nobody_is_reached(address, connect) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    with (
        socket.socket(family) as outward,
        pytest.raises(RuntimeError, match="wanted to reach"),
    ):
        getattr(outward, connect)((address, 443))


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inward = socket.create_connection(server.getsockname())

    inward.close()
    assert inward.fileno() == -1
