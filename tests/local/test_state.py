"""What `./run` keeps, and who may read it."""

import os
import shutil
import stat
from collections import namedtuple
from pathlib import Path

import pytest

from config.local import state as state_module
from config.local.processes import CannotRun, running_as_root
from config.local.state import State


@pytest.fixture
def state(tmp_path) -> State:
    return State(tmp_path / "state")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_stay_and_are_ours_alone(state) -> None:
    first = state.secret("SECRET_KEY")

    assert State(state.folder).secret("SECRET_KEY") == first
    assert len(first) >= 50
    assert state.secret("OTHER") != first
    assert mode(state.folder / "secrets.json") == 0o600
    assert mode(state.logs) == 0o700


def test_a_full_disk_is_a_sentence(state, monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 5 * 2**20))

    with pytest.raises(CannotRun, match="the disk is full: 5 MB are free"):
        state.refuse_full_disk()


def test_says_what_runs_while_it_runs(state) -> None:
    with state.alone():
        state.announce(what="./run", environment={"REDIS_URL": "redis://here"})
        running = State(state.folder).running()

    assert running
    assert running.pid == os.getpid()
    assert running.environment == {"REDIS_URL": "redis://here"}
    assert state.running() is None


def test_a_killed_supervisor_does_not_seem_to_run(state) -> None:
    state.announce(what="./run", environment={})

    assert state.running() is None


def test_a_long_log_is_put_aside(state, monkeypatch) -> None:
    monkeypatch.setattr(state_module, "LOG_BYTES", 3)
    (state.logs / "web.log").write_text("long")

    log = state.log("web")

    assert not log.exists()
    assert (state.logs / "web.log.1").read_text() == "long"


@pytest.mark.skipif(not running_as_root(), reason="only root gives up its rights")
def test_data_goes_where_the_servers_user_can_reach_it(
    state, tmp_path, monkeypatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(state_module, "REACHABLE", Path("/var/tmp/fieldbook-test"))  # noqa: S108

    folder = state.data_folder()

    assert folder.parent == Path("/var/tmp/fieldbook-test")  # noqa: S108
    assert (state.folder / "data").resolve() == folder
    assert State(state.folder).data_folder() == folder
    shutil.rmtree(folder.parent)
