"""Real servers: what was written stays, whatever happens to them."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.local.programs import start_servers
from config.local.state import State
from config.local.supervisor import Child, Supervisor


@pytest.fixture
def state(tmp_path_factory, monkeypatch) -> State:
    """Return a state in a folder with a space in its name, and no servers given."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    folder: Path = tmp_path_factory.mktemp("a house")
    return State(folder / "its state")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def write(servers: dict[str, str]) -> None:
    with psycopg.connect(servers["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE note (text text)")
        connection.execute("INSERT INTO note VALUES ('kept')")
    with redis.Redis.from_url(servers["REDIS_URL"]) as client:
        client.set("note", "kept")


def read(servers: dict[str, str]) -> list[str]:
    with psycopg.connect(servers["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT text FROM note").fetchall()
    with redis.Redis.from_url(servers["REDIS_URL"]) as client:
        return [rows[0][0], client.get("note").decode()]


def kill_and_watch(supervisor: Supervisor, child: Child) -> None:
    before = child.process.pid
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while child.process.pid == before or not child.is_running:
        assert time.monotonic() < deadline
        supervisor.look_after()
        supervisor.pause(0.05)


def test_data_outlives_a_stop(state) -> None:
    with state.alone() as lock, Supervisor() as supervisor:
        first = start_servers(supervisor, state=state, programs_lock=lock)
        write(first)

    with state.alone() as lock, Supervisor() as supervisor:
        second = start_servers(supervisor, state=state, programs_lock=lock)
        found = read(second)

    assert found == ["kept", "kept"]


def test_killed_servers_come_back_with_their_data(state, supervisor) -> None:
    with state.alone() as lock:
        servers = start_servers(supervisor, state=state, programs_lock=lock)
        write(servers)
        time.sleep(1.1)  # Valkey syncs its log once a second

        for child in supervisor.children:
            kill_and_watch(supervisor, child)

        assert read_patiently(servers) == ["kept", "kept"]
        supervisor.stop()


def read_patiently(servers: dict[str, str]) -> list[str]:
    """Read when both are up again; crash recovery takes a moment."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return read(servers)
        except (psycopg.OperationalError, redis.ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_given_servers_win(state, supervisor, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")

    servers = start_servers(supervisor, state=state, programs_lock=0)

    assert servers == {
        "DATABASE_URL": "postgres://elsewhere/db",
        "REDIS_URL": "redis://elsewhere",
    }
    assert supervisor.children == []


def test_an_interrupted_first_start_leaves_nothing_in_the_way(state) -> None:
    unfinished = state.data_folder() / "postgres" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")

    with state.alone() as lock, Supervisor() as supervisor:
        servers = start_servers(supervisor, state=state, programs_lock=lock)
        write(servers)

        assert read(servers) == ["kept", "kept"]


def test_passwords_are_asked_for(state, supervisor) -> None:
    with state.alone() as lock:
        servers = start_servers(supervisor, state=state, programs_lock=lock)
        password = state.secret("POSTGRES_PASSWORD")
        wrong = servers["DATABASE_URL"].replace(password, "wrong")
        open_redis = servers["REDIS_URL"].partition("@")[2]

        with pytest.raises(psycopg.OperationalError, match="password authentication"):
            psycopg.connect(wrong)
        with (
            redis.Redis.from_url(f"redis://{open_redis}") as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.get("note")
        supervisor.stop()
