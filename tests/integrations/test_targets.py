"""Where webhooks go, and where they never do: a table of addresses and URLs."""

import ipaddress

import httpx2
import pytest

from integrations.rules.targets import UnsafeTarget, check_url, is_public
from integrations.services import outbound

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


UNSAFE = [
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


@pytest.mark.parametrize("url", UNSAFE)
def test_an_unsafe_url_is_refused(url) -> None:
    with pytest.raises(UnsafeTarget):
        check_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://EXAMPLE.com/hooks?tenant=1&x=%20",
        "https://example.com:443/hooks",
        "https://hooks.example.co.uk/a/b;c=d",
        "https://xn--bcher-kva.example/",
        "https://example.com./",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://1password.com/",
        "https://a.b2.c3d/",
    ],
)
def test_an_ordinary_url_is_not(url) -> None:
    assert check_url(url, allow_private=False).port == 443


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

    @pytest.mark.parametrize("address", NOT_PUBLIC)
    def test_a_name_that_leads_inside_is_not_called(self, address) -> None:
        with pytest.raises(UnsafeTarget):
            self.call("https://hooks.example.com/", address, allow_private=False)

    def test_one_bad_address_among_good_ones_is_enough(self) -> None:
        with pytest.raises(UnsafeTarget):
            self.call(
                "https://hooks.example.com/", "8.8.8.8", "10.0.0.1", allow_private=False
            )

    def test_a_zone_id_does_not_hide_an_address(self) -> None:
        with pytest.raises(UnsafeTarget):
            self.call("https://hooks.example.com/", "fe80::1%eth0", allow_private=False)

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
