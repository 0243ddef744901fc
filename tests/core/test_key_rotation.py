"""Secrets at rest move to a new key while everybody goes on working."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database

from core.crypto import InvalidToken, reseal, seal, unseal
from core.services import rekeying
from core.services.rekeying import reseal_batch, sealed_fields
from integrations.models import Connection, WebhookEndpoint

OLD, NEW = "o" * 50, "n" * 50


@pytest.fixture
def keys(settings) -> list[str]:
    """Return the keys in use, to be changed in place."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    found: list[str] = settings.FIELD_ENCRYPTION_KEYS
    return found


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_field_keys", *arguments, stdout=out)
    return out.getvalue()


def make(n: int) -> Connection:
    return Connection.objects.create(
        vendor="twilio", name=f"{n}", credentials=f"secret {n}"
    )


def raw(row: Connection) -> str:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT credentials FROM integrations_connection WHERE id = %s", [row.pk]
        )
        found: str = cursor.fetchone()[0]
        return found


def test_a_text_is_sealed_anew_once(keys) -> None:
    old = seal("hello")
    keys.insert(0, NEW)

    new = reseal(old)

    keys.remove(OLD)
    assert unseal(new) == "hello"
    assert reseal(new) == new
    with pytest.raises(InvalidToken):
        reseal(old)


def test_every_column_of_secrets_is_known() -> None:
    found = {str(column) for column in sealed_fields()}

    assert {
        "integrations.connection.credentials",
        "integrations.connection.inbound_secret",
        "integrations.connection.inbound_token",
        "integrations.connection.previous_secret",
        "integrations.inboundevent.body",
        "integrations.webhookendpoint.secret",
    } <= found


@pytest.mark.django_db
def test_all_moves_to_the_newest_key(keys, monkeypatch) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 3)
    connections = [make(n) for n in range(7)]
    endpoint = WebhookEndpoint.objects.create(url="https://a.example", secret="hush")
    keys.insert(0, NEW)

    said = rotate()

    keys.remove(OLD)
    for n, connection in enumerate(connections):
        connection.refresh_from_db()
        assert connection.credentials == f"secret {n}"
    endpoint.refresh_from_db()
    assert endpoint.secret == "hush"
    assert "8 secrets were sealed anew." in said
    assert "integrations.connection.cred" in said


@pytest.mark.django_db
def test_a_second_run_goes_on_where_the_first_stopped(keys, monkeypatch) -> None:
    monkeypatch.setattr(rekeying, "BATCH", 3)
    for n in range(7):
        make(n)
    keys.insert(0, NEW)
    column = next(one for one in sealed_fields() if one.name == "credentials")

    first = reseal_batch(column=column, after=None)  # and then the power fails

    assert first.changed == 3
    assert "4 secrets were sealed anew." in rotate()
    assert "0 secrets were sealed anew." in rotate()


@pytest.mark.django_db
def test_a_check_changes_nothing_and_ends_with_1_while_old_keys_are_used(keys) -> None:
    connection = make(1)
    before = raw(connection)
    keys.insert(0, NEW)

    with pytest.raises(CommandError, match="Keep the old keys") as ended:
        rotate("--check")

    assert ended.value.returncode == 1
    assert raw(connection) == before
    rotate()
    assert "0 secrets are sealed with an old key." in rotate("--check")


@pytest.mark.django_db
def test_what_no_key_opens_is_named_and_the_rest_is_done(keys) -> None:
    lost, fine = make(1), make(2)
    keys[:] = [NEW]
    Connection.objects.filter(pk=fine.pk).update(credentials="new")
    keys[:] = ["another" * 9, NEW]

    with pytest.raises(CommandError, match="No key opens 1 secrets") as ended:
        rotate()

    keys.remove(NEW)
    fine.refresh_from_db()
    assert fine.credentials == "new"
    assert str(lost.pk) in str(ended.value)
    assert "secret 1" not in str(ended.value)


@pytest.mark.django_db
def test_who_writes_meanwhile_wins(keys, monkeypatch) -> None:
    connection = make(1)
    keys.insert(0, NEW)
    column = next(one for one in sealed_fields() if one.name == "credentials")

    def write_first(sealed: str) -> str:
        Connection.objects.filter(pk=connection.pk).update(credentials="changed")
        return reseal(sealed)

    monkeypatch.setattr(rekeying, "reseal", write_first)
    reseal_batch(column=column, after=None)

    connection.refresh_from_db()
    assert connection.credentials == "changed"


@pytest.mark.django_db
def test_nothing_is_rotated_where_there_is_nothing(keys) -> None:
    assert "0 secrets were sealed anew." in rotate()
