"""The frame of the sandbox world: faults, callbacks, what is seen of it."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

from integrations.sandbox.faults import Faults, Rule
from integrations.sandbox.server import Running, running_world
from integrations.sandbox.wire import Callback, Reply, Request
from integrations.sandbox.world import World


class Tally:
    """A vendor that counts its calls, tells us of each, and forgets when told to."""

    name = "tally"

    def __init__(self) -> None:
        self.faults = Faults()
        self.url = ""
        self.calls: list[str] = []
        self.heard: list[int | None] = []
        self.busiest = 0

    def handle(self, request: Request) -> tuple[Reply, list[Callback]]:
        self.calls.append(f"{request.method} {request.path}?{request.query}")
        self.busiest = max(self.busiest, request.at_once)
        reply = Reply(
            json={"number": len(self.calls), "moved": not self.faults.forgets()}
        )
        return reply, self._callbacks(len(self.calls))

    def act(self, name: str, arguments: Mapping[str, Any]) -> list[Callback]:
        if name != "speak":
            raise ValueError(f"No act is called {name}.")
        return self._callbacks(arguments["number"])

    def state(self) -> dict[str, Any]:
        return {"calls": list(self.calls), "url": self.url}

    def clear(self) -> None:
        self.calls.clear()

    def told(self, callback: Callback, *, status: int | None) -> None:
        self.heard.append(status)

    def _callbacks(self, number: int) -> list[Callback]:
        if not self.url:
            return []
        return [
            Callback(url=self.url, headers={"X-Key": "k"}, body=str(number).encode())
        ]


class Ear:
    """Our inbox: it takes bodies, in order, after `refusals`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refusals = 0


@contextmanager
def listening() -> Iterator[tuple[str, Ear]]:
    """Yield the URL of an ear."""
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            ear.bodies.append(body)
            ear.refusals -= 1
            self.send_response(200 if ear.refusals < 0 else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/in", ear
        server.shutdown()


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def running(tally) -> Iterator[Running]:
    """Return a world that holds nothing but a tally."""
    with running_world(world=World(pace=0.01, vendors={"tally": tally})) as there:
        yield there


@pytest.fixture
def client(running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running.url, timeout=5) as there:
        yield there


def fault(client: httpx2.Client, **rule: Any) -> None:
    assert client.put("/world/tally/faults", json=[rule]).status_code == 200


def idle(running: Running) -> None:
    assert running.world.places["tally"].sender.wait_until_idle()


class TestFaultsOfAnswers:
    """What a caller meets."""

    def test_all_is_well_until_told_otherwise(self, client, tally) -> None:
        answer = client.post("/tally/a/b?c=d")

        assert answer.json() == {"number": 1, "moved": True}
        assert answer.headers["content-type"] == "application/json"
        assert tally.calls == ["POST /a/b?c=d"]

    @pytest.mark.parametrize(
        ("form", "header"),
        [("seconds", "7"), ("rubbish", "soon, surely"), ("none", None)],
    )
    def test_a_throttle(self, client, tally, form, header) -> None:
        fault(client, kind="throttle", seconds=7, retry_after=form)

        answer = client.get("/tally/a")

        assert answer.status_code == 429
        assert answer.headers.get("retry-after") == header
        assert answer.json()["title"].split()[-2] == "7"
        assert tally.calls == []

    def test_a_throttle_that_names_a_date(self, client) -> None:
        fault(client, kind="throttle", seconds=60, retry_after="date")

        header = client.get("/tally/a").headers["retry-after"]

        date = time.strptime(header, "%a, %d %b %Y %H:%M:%S GMT")
        assert date.tm_year >= 2026

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_an_error_before_anything_was_done(self, client, tally, status) -> None:
        fault(client, kind="error", status=status)

        assert client.post("/tally/a").status_code == status
        assert tally.calls == []

    def test_an_error_after_everything_was_done(self, client, tally) -> None:
        fault(client, kind="error", status=504, handled=True)

        assert client.post("/tally/a").status_code == 504
        assert len(tally.calls) == 1

    def test_a_slow_answer(self, client, tally) -> None:
        fault(client, kind="slow", seconds=0.3)
        begun = time.monotonic()

        assert client.get("/tally/a").status_code == 200
        assert time.monotonic() - begun >= 0.3

    @pytest.mark.parametrize(("kind", "calls"), [("cut_before", 0), ("cut_after", 1)])
    def test_a_cut(self, client, tally, kind, calls) -> None:
        fault(client, kind=kind, count=1)

        with pytest.raises(httpx2.RemoteProtocolError):
            client.post("/tally/a")

        assert len(tally.calls) == calls
        assert client.post("/tally/a").status_code == 200

    def test_half_an_answer(self, client, tally) -> None:
        fault(client, kind="truncated")

        answer = client.post("/tally/a")

        assert answer.status_code == 200
        assert answer.text == '{"number": 1, '
        assert len(tally.calls) == 1

    @pytest.mark.parametrize("status", [200, 502])
    def test_a_page(self, client, tally, status) -> None:
        fault(client, kind="html", status=status)

        answer = client.get("/tally/a")

        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/html"
        assert answer.text.startswith("<!DOCTYPE html>")
        assert tally.calls == []

    def test_a_key_that_counts_no_more(self, client, tally) -> None:
        fault(client, kind="unauthorized")

        assert client.get("/tally/a").status_code == 401
        assert tally.calls == []

    def test_an_answer_without_sense(self, client, tally) -> None:
        fault(client, kind="garbage")

        answer = client.post("/tally/a")

        assert (answer.status_code, answer.json()) == (200, {})
        assert len(tally.calls) == 1

    def test_an_outage_ends_by_itself(self, client, tally) -> None:
        fault(client, kind="down", for_seconds=0.2)
        during = client.get("/tally/a").status_code
        time.sleep(0.25)

        assert (during, client.get("/tally/a").status_code) == (503, 200)

    def test_an_outage_may_be_a_reset(self, running, client, tally) -> None:
        fault(client, kind="down", reset=True)
        host, _, port = running.url.removeprefix("http://").partition(":")

        with socket.create_connection((host, int(port)), timeout=5) as raw:
            raw.sendall(b"GET /tally/a HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                raw.recv(100)

        assert tally.calls == []

    def test_a_change_may_move_no_time(self, client) -> None:
        fault(client, kind="forgotten_updated_at", count=1)

        moved = [client.post("/tally/a").json()["moved"] for _ in range(2)]

        assert moved == [False, True]


class TestWhichCalls:
    """Which calls a fault is about."""

    def test_so_many(self, client) -> None:
        fault(client, kind="error", count=2)

        statuses = [client.get("/tally/a").status_code for _ in range(3)]

        assert statuses == [500, 500, 200]
        assert client.get("/world/tally").json()["faults"] == []

    def test_a_share(self, client) -> None:
        fault(client, kind="error", share=0.3)

        failed = [client.get("/tally/a").status_code for _ in range(100)].count(500)

        assert 15 <= failed <= 45

    def test_of_one_path_and_method(self, client) -> None:
        fault(client, kind="error", path="/jobs", method="POST")

        assert client.post("/tally/jobs/1").status_code == 500
        assert client.get("/tally/jobs/1").status_code == 200
        assert client.post("/tally/leads").status_code == 200

    def test_the_first_that_applies(self, client) -> None:
        rules = [{"kind": "html", "path": "/jobs"}, {"kind": "error"}]
        client.put("/world/tally/faults", json=rules)

        assert client.get("/tally/jobs").status_code == 502
        assert client.get("/tally/leads").status_code == 500

    def test_none(self, client) -> None:
        fault(client, kind="error")
        client.put("/world/tally/faults", json=[])

        assert client.get("/tally/a").status_code == 200

    @pytest.mark.parametrize(
        "rules",
        [
            {},
            [[]],
            [{}],
            [{"kind": "fire"}],
            [{"kind": "error", "colour": "red"}],
            [{"kind": "error", "status": 99}],
            [{"kind": "error", "status": "500"}],
            [{"kind": "error", "share": 2}],
            [{"kind": "error", "share": None}],
            [{"kind": "error", "count": 0}],
            [{"kind": "error", "count": True}],
            [{"kind": "error", "path": 1}],
            [{"kind": "error", "handled": 1}],
            [{"kind": "throttle", "retry_after": "maybe"}],
            [{"kind": "lost_callbacks"}] * 51,
        ],
    )
    def test_nonsense_is_refused(self, client, rules) -> None:
        answer = client.put("/world/tally/faults", json=rules)

        assert answer.status_code == 400
        assert answer.json()["error"]
        assert client.get("/tally/a").status_code == 200


class TestCallbacks:
    """What we are told."""

    def test_in_order_and_the_vendor_hears_the_answer(
        self, client, running, tally
    ) -> None:
        with listening() as (url, ear):
            tally.url = url
            for _ in range(5):
                client.post("/tally/a")
            idle(running)

        assert ear.bodies == ["1", "2", "3", "4", "5"]
        assert tally.heard == [200] * 5

    def test_an_act_tells_too(self, client, running, tally) -> None:
        with listening() as (url, ear):
            tally.url = url
            answer = client.post("/world/tally/acts/speak", json={"number": 9})
            idle(running)

        assert answer.json() == {"callbacks": 1}
        assert ear.bodies == ["9"]

    def test_many_times(self, client, running, tally) -> None:
        fault(client, kind="duplicate_callbacks", times=3, count=1)
        with listening() as (url, ear):
            tally.url = url
            client.post("/tally/a")
            client.post("/tally/a")
            idle(running)

        assert ear.bodies == ["1", "1", "1", "2"]

    def test_in_another_order(self, client, running, tally) -> None:
        fault(client, kind="disordered_callbacks", times=3)
        with listening() as (url, ear):
            tally.url = url
            for _ in range(3):
                client.post("/tally/a")
            idle(running)

        assert ear.bodies == ["3", "2", "1"]

    def test_held_back_no_longer_than_so_long(self, client, running, tally) -> None:
        fault(client, kind="disordered_callbacks", times=3, seconds=0.1)
        with listening() as (url, ear):
            tally.url = url
            client.post("/tally/a")
            client.post("/tally/a")
            idle(running)

        assert ear.bodies == ["2", "1"]

    def test_never(self, client, running, tally) -> None:
        fault(client, kind="lost_callbacks", count=1)
        with listening() as (url, ear):
            tally.url = url
            client.post("/tally/a")
            client.post("/tally/a")
            idle(running)
            counts = client.get("/world/tally").json()["callbacks"]["counts"]

        assert ear.bodies == ["2"]
        assert counts == {"lost": 1, "accepted": 1}

    def test_again_as_the_vendor_has_it(self) -> None:
        tally = Tally()
        world = World(pace=0.001, vendors={"servicetitan": tally})
        with running_world(world=world), listening() as (tally.url, ear):
            ear.refusals = 3
            world.act("servicetitan", "speak", {"number": 1})
            world.places["servicetitan"].sender.wait_until_idle()

        assert ear.bodies == ["1"] * 4
        assert tally.heard == [503, 503, 503, 200]

    def test_nobody_listens(self, client, running, tally) -> None:
        tally.url = "http://127.0.0.1:9/in"
        client.post("/tally/a")
        idle(running)

        told = client.get("/world/tally").json()["callbacks"]
        assert told["counts"] == {"unanswered": 1}
        assert told["last"][0]["status"] is None


class TestWhatIsSeen:
    """The world's own API."""

    def test_calls_are_remembered_without_credentials(self, client) -> None:
        fault(client, kind="error", count=1)
        headers = {"Authorization": "Bearer hidden", "X-Request-ID": "request-1"}
        client.post("/tally/a?b=c", headers=headers, content=b"hidden")

        seen = client.get("/world/tally")

        [call] = seen.json()["calls"]
        assert call | {"at": ""} == {
            "at": "",
            "method": "POST",
            "path": "/a",
            "query": "b=c",
            "status": 500,
            "fault": "error",
            "request_id": "request-1",
        }
        assert seen.json()["counts"] == {
            "calls": 1,
            "answered 500": 1,
            "fault error": 1,
        }
        assert "hidden" not in seen.text

    def test_all_at_a_glance(self, client) -> None:
        client.post("/tally/a")

        seen = client.get("/world").json()["tally"]

        assert seen["things"] == {"calls": 1}
        assert "state" not in seen

    def test_a_fresh_start(self, client, tally) -> None:
        client.post("/tally/a")
        fault(client, kind="error")

        answer = client.delete("/world/tally").json()

        assert (answer["things"], answer["calls"]) == ({"calls": 0}, [])
        assert (answer["faults"], answer["counts"]) == ([], {})

    @pytest.mark.parametrize(
        ("act", "body", "status"),
        [("dance", {}, 400), ("speak", [], 400), ("speak/up", {}, 404)],
    )
    def test_acts_that_are_none(self, client, act, body, status) -> None:
        answer = client.post(f"/world/tally/acts/{act}", json=body)

        assert answer.status_code == status
        assert answer.json()["error"]

    @pytest.mark.parametrize(
        "path", ["/world/nobody", "/world/nobody/faults", "/worldly", "/nobody/a"]
    )
    def test_other_paths_hold_nothing(self, client, path) -> None:
        assert client.put(path, json=[]).status_code == 404

    def test_a_form_of_another_site_can_do_nothing(self, client) -> None:
        body = b'[{"kind": "error"}]'

        assert client.put("/world/tally/faults", content=body).status_code == 415
        assert client.post("/world/tally/acts/speak", content=b"{}").status_code == 415

    def test_a_vendor_is_told_how_busy_it_is(self, running, tally) -> None:
        running.world.places["tally"].faults.put(
            Rule.read({"kind": "slow", "seconds": 0.3})
        )
        callers = [
            threading.Thread(target=httpx2.get, args=(f"{running.at('tally')}/a",))
            for _ in range(5)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

        assert 2 <= tally.busiest <= 5

    @pytest.mark.parametrize(
        "method", ["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD"]
    )
    def test_every_method_reaches_a_vendor(self, client, tally, method) -> None:
        assert client.request(method, "/tally/a").status_code == 200
        assert tally.calls == [f"{method} /a?"]
