"""The sandbox's receiver: what it checks, shows, and how it fails on demand."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from core.models import OutboxMessage
from core.models.outbox import OutboxStatus
from integrations.sandbox.inbox import REMEMBERED, Inbox
from integrations.sandbox.server import SandboxServer
from integrations.services.signing import message_id, new_secret, signed_headers
from tests.integrations.conftest import subscribe
from tests.integrations.test_webhooks import happen
from tests.outside import drain, skip_waiting

SECRET = new_secret()


@pytest.fixture
def sandbox() -> Iterator[httpx2.Client]:
    """Return a client of a fresh sandbox."""
    with SandboxServer(("127.0.0.1", 0), inbox=Inbox(secret=SECRET)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
            yield client
        server.shutdown()


def send(client: httpx2.Client, body: bytes = b'{"type":"a.b"}', **given: Any) -> Any:
    """Deliver a webhook, signed as it should be unless told otherwise."""
    signed = signed_headers(
        name=message_id(key=given.get("key") or uuid4()),
        body=given.get("signed", body),
        keys=[given.get("secret", SECRET)],
        now=given.get("now", datetime.now(UTC)),
    )
    headers = signed | given.get("headers", {})
    return client.post("/webhooks", content=body, headers=headers)


def deliveries(client: httpx2.Client) -> list[dict[str, Any]]:
    return list(client.get("/deliveries").json()["deliveries"])


def behave(client: httpx2.Client, **mode: Any) -> httpx2.Response:
    return client.post("/mode", json=mode)


class TestReceiving:
    """In."""

    def test_what_is_signed_is_accepted_and_shown(self, sandbox) -> None:
        key = uuid4()

        answer = send(sandbox, key=key, headers={"X-Request-ID": "request-1"})

        [shown] = deliveries(sandbox)
        assert answer.status_code == 200
        assert shown | {"received_at": ""} == {
            "id": f"msg_{key.hex}",
            "attempt": 1,
            "received_at": "",
            "verified": True,
            "problem": "",
            "mode": "ok",
            "type": "a.b",
            "payload": {"type": "a.b"},
            "request_id": "request-1",
            "status": 200,
            "accepted": True,
        }

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"signed": b"{}"}, "No matching signature found"),
            ({"secret": new_secret()}, "No matching signature found"),
            ({"now": datetime(2020, 1, 1, tzinfo=UTC)}, "Message timestamp too old"),
            ({"now": datetime(2090, 1, 1, tzinfo=UTC)}, "Message timestamp too new"),
            ({"headers": {"webhook-id": ""}}, "Missing required headers"),
            ({"headers": {"webhook-timestamp": "x"}}, "Invalid Signature Headers"),
            ({"headers": {"webhook-signature": "v1"}}, "Malformed signature or body"),
            ({"headers": {"webhook-signature": "v1,a"}}, "Malformed signature or body"),
            ({"body": b"\xff\xfe", "signed": b""}, "Malformed signature or body"),
        ],
    )
    def test_what_is_not_is_refused(self, sandbox, given, problem) -> None:
        answer = send(sandbox, **given)

        [shown] = deliveries(sandbox)
        assert answer.status_code == 401
        assert (shown["verified"], shown["accepted"]) == (False, False)
        assert shown["problem"] == problem

    def test_a_repetition_is_counted(self, sandbox) -> None:
        key = uuid4()
        for _ in range(3):
            send(sandbox, key=key)

        assert [shown["attempt"] for shown in deliveries(sandbox)] == [3, 2, 1]

    def test_only_the_last_are_kept(self, sandbox) -> None:
        for _ in range(REMEMBERED + 5):
            send(sandbox)

        assert len(deliveries(sandbox)) == REMEMBERED

    def test_they_can_be_forgotten(self, sandbox) -> None:
        send(sandbox)

        sandbox.delete("/deliveries")

        assert deliveries(sandbox) == []

    def test_a_flood_is_refused(self, sandbox) -> None:
        answer = send(sandbox, body=b"x" * (1024 * 1024 + 1))

        assert answer.status_code == 413


class TestModes:
    """Failing on demand."""

    def test_fail_until_told_otherwise(self, sandbox) -> None:
        behave(sandbox, mode="fail", status=418)
        failed = [send(sandbox).status_code for _ in range(3)]
        behave(sandbox, mode="ok")

        assert failed == [418, 418, 418]
        assert send(sandbox).status_code == 200

    def test_fail_so_many_times(self, sandbox) -> None:
        behave(sandbox, mode="fail", count=2)

        assert [send(sandbox).status_code for _ in range(3)] == [503, 503, 200]
        assert sandbox.get("/deliveries").json()["mode"]["mode"] == "ok"

    def test_flaky_fails_first_tries(self, sandbox) -> None:
        behave(sandbox, mode="flaky")
        key = uuid4()

        assert [send(sandbox, key=key).status_code for _ in range(3)] == [503, 200, 200]

    def test_slow_takes_its_time(self, sandbox) -> None:
        behave(sandbox, mode="slow", seconds=0.3)
        begun = time.monotonic()

        answer = send(sandbox)

        assert answer.status_code == 200
        assert time.monotonic() - begun >= 0.3

    @pytest.mark.parametrize(
        "mode",
        [
            {},
            {"mode": "angry"},
            {"mode": "fail", "status": 200},
            {"mode": "fail", "status": "503"},
            {"mode": "fail", "status": True},
            {"mode": "slow", "seconds": 61},
            {"mode": "slow", "seconds": -1},
            {"mode": "fail", "count": 0},
            {"mode": "fail", "count": 1.5},
            {"mode": "ok", "more": 1},
        ],
    )
    def test_nonsense_is_refused(self, sandbox, mode) -> None:
        answer = behave(sandbox, **mode)

        assert answer.status_code == 400
        assert answer.json()["error"]
        assert sandbox.get("/deliveries").json()["mode"]["mode"] == "ok"

    @pytest.mark.parametrize("content", [b"[]", b"null", b"{", b"\xff", b""])
    def test_even_worse_nonsense_is_refused(self, sandbox, content) -> None:
        headers = {"Content-Type": "application/json"}

        answer = sandbox.post("/mode", content=content, headers=headers)

        assert answer.status_code == 400

    def test_a_form_of_another_site_cannot_set_it(self, sandbox) -> None:
        answer = sandbox.post("/mode", content=b'{"mode":"fail"}')

        assert answer.status_code == 415


def test_the_page_needs_nothing_from_elsewhere(sandbox) -> None:
    page = sandbox.get("/")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "innerHTML" not in page.text  # payloads are text, never markup


def test_other_paths_hold_nothing(sandbox) -> None:
    assert sandbox.get("/elsewhere").status_code == 404
    assert sandbox.post("/").status_code == 404


@pytest.mark.django_db
def test_an_outage_heals_before_your_eyes(sandbox) -> None:
    subscribe(str(sandbox.base_url.join("/webhooks")), secret=SECRET)
    behave(sandbox, mode="fail", count=2)
    happen()
    for _ in range(3):
        drain()
        skip_waiting()

    tries = list(reversed(deliveries(sandbox)))
    assert [shown["status"] for shown in tries] == [503, 503, 200]
    assert [shown["attempt"] for shown in tries] == [1, 2, 3]
    assert len({shown["id"] for shown in tries}) == 1
    assert OutboxMessage.objects.get().status == OutboxStatus.DELIVERED


class TestCommand:
    """`manage.py sandbox`."""

    @pytest.mark.parametrize("secret", ["", "whsec_", "secret", "whsec_a"])
    def test_it_wants_a_secret(self, secret) -> None:
        with pytest.raises(CommandError, match="SANDBOX_SECRET"):
            call_command("sandbox", secret=secret, port=0)

    def test_it_runs_without_a_database(self) -> None:
        away = {"DATABASE_URL": "postgres://x@127.0.0.1:9/x", "SANDBOX_SECRET": SECRET}
        command = [sys.executable, "manage.py", "sandbox", "--port=0"]
        process = subprocess.Popen(
            command,
            cwd=django_settings.BASE_DIR,
            env=os.environ | away | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            answer = httpx2.get(f"{url}/deliveries")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)

        assert answer.json()["deliveries"] == []
