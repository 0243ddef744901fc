"""Where webhooks go, and where they never do: tables of addresses and URLs.

Each URL of the table meets the whole guard: what its text says, what its name leads to,
when it is subscribed, when it is called, when another URL redirects to it, and when its
name changes its mind between two questions.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import httpcore2
import httpx2
import pytest
from django.utils import timezone

from core.actors import SYSTEM
from integrations.models import WebhookEndpoint
from integrations.rules.targets import UnsafeTarget, check_url, is_public
from integrations.services import create_endpoint, outbound
from tests.integrations.receiver import Answer, Receiver

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104  # this network
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.1.1",
    "100.64.0.1", "100.127.255.254",  # carrier-grade NAT
    "127.0.0.1", "127.255.255.254", "127.8.8.8",
    "169.254.169.254", "169.254.170.2",  # metadata of the clouds
    "192.0.0.1", "192.0.0.170", "192.0.0.192",  # protocols; a cloud's metadata
    "192.0.2.1", "198.51.100.7", "203.0.113.9",  # documentation
    "192.88.99.1",  # 6to4 relay
    "198.18.0.1", "198.19.255.254",  # benchmarks
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::7f00:1",  # compatible with IPv4
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",  # mapped
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::1",  # NAT64
    "100::1",  # discard
    "2001::1", "2001:0:7f00:1::",  # Teredo
    "2001:2::1", "2001:10::1", "2001:20::1",  # benchmarks, ORCHID
    "2001:db8::1", "3fff::1",  # documentation
    "2002:7f00:1::", "2002:a00:1::",  # 6to4
    "5f00::1",  # segment routing
    "fc00::1", "fd12:3456::1", "fd00:ec2::254",  # unique local; a cloud's metadata
    "fe80::1", "febf::1", "fec0::1",  # link-local, site-local
    "ff02::1", "ff0e::1",  # multicast
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1",
    "172.15.255.255", "172.32.0.1", "192.167.255.255", "223.255.255.255",
    "2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address) -> None:
    assert is_public(ipaddress.ip_address(address))


# What their text gives away, wherever their names lead.
BAD_TEXTS = [
    "http://example.com/",  # not encrypted
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "javascript:alert(1)", "//example.com/", "example.com", "",
    "https:///path", "https://", "https://:443/",
    "https://example.com:8443/", "https://example.com:22/", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com:x/",
    "https://user@example.com/", "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/",
    "https://example.com/#fragment",
    "https://exa mple.com/", "https://example.com/a b", "https://example.com\\@evil/",
    "https://example.com/\r\nX: y", "https://example.com/\t", "\thttps://example.com/",
    "https://example.com/\x00", "https://\u0435xample.com/", "https://ex\u00adample.com/",
    "https://127\u30020.0.1/", "https://\u2460\u2461\u2466.0.0.1/",
    "https://localhost/", "https://intranet/", "https://LOCALHOST./",
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
    "https://017700000001/", "https://127.0.0.0x1/", "https://example.0x7f/",
    "https://example.1/", "https://1.2.3.4.5/", "https://0/", "https://256.256.256.256/",
    "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/",
    "https://192.168.0.1/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://[fe80::1%25eth0]/",
    "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://[2002:7f00:1::]/",
    "https://[::1", "https://[v1.x]/", "https://[127.0.0.1]/", "https://[8.8.8.8]/",
    "https://-example.com/", "https://example-.com/", "https://exa_mple.com/",
    "https://.example.com/", "https://example..com/", f"https://{'a' * 64}.com/",
    "https://%31%32%37.0.0.1/", "https://example.com%2f@127.0.0.1/",
    f"https://example.com/{'a' * 2000}", f"https://{'a.' * 130}com/",
]  # fmt: skip
# Names that are well formed, and what they lead to: all of it must be public.
NAME = "https://hooks.example.com/fieldbook"
BAD_ANSWERS = [
    *[[address] for address in NOT_PUBLIC],
    ["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"],
    ["2606:4700:4700::1111", "::1"], ["1.1.1.1", "8.8.8.8", "169.254.169.254"],
    ["fe80::1%eth0"],  # a zone id does not hide it
]  # fmt: skip
GOOD = [
    ("https://example.com", ["93.184.216.34"]),
    ("https://EXAMPLE.com/hooks?tenant=1&x=%20", ["93.184.216.34"]),
    ("https://example.com:443/hooks", ["93.184.216.34"]),
    ("https://hooks.example.co.uk/a/b;c=d", ["8.8.8.8", "2606:4700:4700::1111"]),
    ("https://xn--bcher-kva.example/", ["1.1.1.1"]),
    ("https://example.com./", ["93.184.216.34"]),
    ("https://1password.com/", ["1.1.1.1"]),
    ("https://a.b2.c3d/", ["172.32.0.1"]),
    ("https://127.0.0.1.example.com/", ["8.8.8.8"]),  # ugly, and a name like any other
    ("https://8.8.8.8/", ["8.8.8.8"]),
    ("https://[2606:4700:4700::1111]/", ["2606:4700:4700::1111"]),
]
VECTORS = [
    *[(url, ["8.8.8.8"], False) for url in BAD_TEXTS],
    *[(NAME, answers, False) for answers in BAD_ANSWERS],
    *[(url, answers, True) for url, answers in GOOD],
]
BAD = [(url, answers) for url, answers, is_good in VECTORS if not is_good]

Connected = list[tuple[str, int]]


def test_the_table_is_long_enough() -> None:
    assert len({(url, tuple(answers)) for url, answers, _ in VECTORS}) == len(VECTORS)
    assert len(BAD) >= 54
    assert len(BAD_TEXTS) >= 56


@pytest.fixture
def names(monkeypatch) -> Callable[..., list[str]]:
    """Return what sets the addresses of all names, one set per question.

    The last set goes on for ever. What was asked for is returned.
    """
    asked: list[str] = []
    really = socket.getaddrinfo

    def lead_to(*sets: list[str]) -> list[str]:
        waiting = list(sets)

        def getaddrinfo(host: str, port: int, *rest: Any, **given: Any) -> list[Any]:
            if is_address(host):
                return really(host, port, *rest, **given)
            asked.append(host)
            addresses = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return [(0, 0, 0, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return lead_to


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@pytest.fixture
def connected(monkeypatch) -> Connected:
    """Collect the addresses that somebody wants to connect to; nobody may."""
    wanted: Connected = []

    def connect(self: Any, host: str, port: int, *_: Any) -> Any:
        wanted.append((host, port))
        raise httpcore2.ConnectError("The test ends here.")

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    return wanted


def call(url: str) -> httpx2.Response:
    """Call a URL as production does: the text is looked at before each try."""
    check_url(url, allow_private=False)
    with outbound.client(allow_private=False) as client:
        return client.post(url)


class TestEveryVector:
    """The table, from end to end."""

    @pytest.mark.parametrize(("url", "answers", "is_good"), VECTORS)
    def test_calling(self, names, connected, url, answers, is_good) -> None:
        names(answers)

        with pytest.raises(httpx2.ConnectError if is_good else UnsafeTarget):
            call(url)

        assert connected == [(a, 443) for a in answers[:2] if is_good]

    @pytest.mark.django_db
    @pytest.mark.parametrize(("url", "answers", "is_good"), VECTORS)
    def test_subscribing(self, names, settings, url, answers, is_good) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = False
        names(answers)

        try:
            create_endpoint(url=url, actor=SYSTEM, now=timezone.now())
        except UnsafeTarget:
            assert not is_good

        assert WebhookEndpoint.objects.exists() is is_good

    @pytest.mark.parametrize(("url", "answers"), BAD)
    def test_being_redirected(self, names, receiver, url, answers) -> None:
        names(["127.0.0.1"], answers)
        location = url.encode("ascii", "ignore").decode()
        receiver.otherwise = Answer(
            status=307,
            headers={"Location": location.translate({0: "", 10: "", 13: ""})},
        )

        with outbound.client(allow_private=True) as client:
            response = client.post(f"http://hooks.example.com:{receiver.server_port}/")

        assert response.status_code == 307
        assert len(receiver.heard) == 1

    @pytest.mark.parametrize("answers", BAD_ANSWERS)
    def test_changing_its_mind_after_it_was_judged(
        self, names, connected, answers
    ) -> None:
        asked = names(["8.8.8.8"], answers)

        with pytest.raises(httpx2.ConnectError):
            call(NAME)

        assert asked == ["hooks.example.com"]
        assert connected == [("8.8.8.8", 443)]  # the very address that was judged

    @pytest.mark.parametrize("answers", BAD_ANSWERS)
    def test_changing_its_mind_after_it_was_subscribed(
        self, names, connected, answers
    ) -> None:
        names(["8.8.8.8"], answers)
        with pytest.raises(httpx2.ConnectError):
            call(NAME)

        with pytest.raises(UnsafeTarget):
            call(NAME)

        assert connected == [("8.8.8.8", 443)]


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://127.0.0.1:8001/webhooks", 8001),
        ("http://localhost/", 80),
        ("https://[::1]:4443/", 4443),
        ("http://sandbox:8001/", 8001),
    ],
)
def test_a_laptop_may_call_itself(url, port) -> None:
    assert check_url(url, allow_private=True).port == port


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.1/", "http://a b/"],
)
def test_even_a_laptop_needs_a_proper_url(url) -> None:
    with pytest.raises(UnsafeTarget):
        check_url(url, allow_private=True)


class TestConnecting:
    """The address that was judged is the address that is called."""

    @staticmethod
    def call(url: str, *answers: str, **given) -> httpx2.Response:
        """Call a URL whose name resolves to these addresses."""
        with outbound.client(resolve=lambda *_: list(answers), **given) as client:
            return client.post(url)

    def test_other_ports_are_not_called(self) -> None:
        with pytest.raises(UnsafeTarget):
            self.call("https://example.com:8443/", "8.8.8.8", allow_private=False)

    def test_a_name_is_asked_once_and_the_answer_is_called(self, receiver) -> None:
        asked = []

        def rebind(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

        port = receiver.server_port
        with outbound.client(allow_private=True, resolve=rebind) as client:
            client.post(f"http://hooks.example.com:{port}/hook")

        assert asked == [("hooks.example.com", port)]
        assert receiver.heard[0].headers["host"] == f"hooks.example.com:{port}"

    def test_the_second_address_is_tried_when_the_first_is_dead(self, receiver) -> None:
        port = receiver.server_port
        response = self.call(
            f"http://hooks.example.com:{port}/", "127.0.0.9", "127.0.0.1",
            allow_private=True,
        )  # fmt: skip

        assert response.status_code == 200

    def test_a_name_without_an_address_is_a_failure_to_connect(self) -> None:
        with pytest.raises(httpx2.ConnectError):
            self.call("http://hooks.example.com/", allow_private=True)

    def test_proxies_of_the_environment_are_ignored(
        self, receiver, monkeypatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        with outbound.client(allow_private=True) as client:
            assert client.post(receiver.url).status_code == 200


class TestKeptConnections:
    """What follows at once goes over the same connection."""

    def post(self, receiver: Receiver) -> None:
        port = receiver.server_port
        with outbound.client(allow_private=True) as client:
            client.post(f"http://hooks.example.com:{port}/hook")

    def test_a_burst_uses_one_connection(self, receiver, names) -> None:
        asked = names(["127.0.0.1"])

        for _ in range(5):
            self.post(receiver)

        assert len(receiver.heard) == 5
        assert len({heard.caller for heard in receiver.heard}) == 1
        assert asked == ["hooks.example.com"]

    def test_after_a_while_the_name_is_judged_anew(
        self, receiver, names, monkeypatch
    ) -> None:
        monkeypatch.setattr(outbound, "JUDGED_ANEW_SECONDS", -1.0)
        asked = names(["127.0.0.1"])

        for _ in range(2):
            self.post(receiver)

        assert len({heard.caller for heard in receiver.heard}) == 2
        assert len(asked) == 2

    def test_who_may_call_less_gets_no_connection_of_who_may_more(
        self, receiver, names
    ) -> None:
        names(["127.0.0.1"])
        self.post(receiver)

        url = f"http://hooks.example.com:{receiver.server_port}/hook"
        with (
            outbound.client(allow_private=False) as client,
            pytest.raises(UnsafeTarget),
        ):
            client.post(url)

    def test_each_call_has_its_whole_time(self, receiver, monkeypatch) -> None:
        monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.5)
        receiver.otherwise = Answer(wait=0.2)

        for _ in range(4):  # 0.8 s in all
            with outbound.client(allow_private=True) as client:
                assert client.post(receiver.url).status_code == 200

    def test_a_connection_that_the_receiver_closed_is_not_used(self, receiver) -> None:
        receiver.otherwise = Answer(headers={"Connection": "close"})

        for _ in range(3):
            with outbound.client(allow_private=True) as client:
                assert client.post(receiver.url).status_code == 200

        assert len({heard.caller for heard in receiver.heard}) == 3
