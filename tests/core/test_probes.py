"""What watchers and strangers see: health, readiness, metrics, the front page."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from core import health
from core.models import OutboxMessage
from tests.factories import make_location

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker(monkeypatch):
    """Let the broker be there; a test may take it away again."""
    monkeypatch.setattr(health, "broker_answers", lambda: True)


def test_a_process_that_answers_is_alive_even_without_database(api) -> None:
    with connection.execute_wrapper(_refuse):
        response = api.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_all_is_well(api) -> None:
    body = api.get("/readyz").json()

    assert body == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok", "broker": "ok", "outbox": "ok"},
        "outbox_lag_seconds": 0,
    }


def test_without_database_nobody_is_served(api) -> None:
    with connection.execute_wrapper(_refuse):
        response = api.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "down"},
    }


def test_pending_migrations_keep_the_door_shut(api, monkeypatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["one"])

    response = api.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "migrations pending"


def test_without_redis_the_house_limps_and_serves(api, monkeypatch) -> None:
    def away(key: str) -> None:
        raise RedisAway

    monkeypatch.setattr(cache, "get", away)

    response = api.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["checks"]["redis"] == "down"


def test_without_broker_the_house_limps_and_serves(api, monkeypatch) -> None:
    monkeypatch.setattr(health, "broker_answers", lambda: False)

    response = api.get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"]["broker"] == "down"


def test_mail_that_waits_too_long_shows(api) -> None:
    location = make_location(open_hours=None)
    OutboxMessage.objects.create(
        kind="sms",
        destination="x",
        aggregate_type="appointment",
        aggregate_id=location.pk,
        ordering_key="x",
        next_attempt_at=timezone.now() - timedelta(hours=1),
    )

    body = api.get("/readyz").json()

    assert body["status"] == "degraded"
    assert body["checks"]["outbox"] == "late"
    assert 3600 <= body["outbox_lag_seconds"] < 3700


@pytest.mark.parametrize(
    ("production", "token", "peer", "hops", "given", "status"),
    [
        (False, "", "203.0.113.9", 0, "", 200),
        (True, "", "127.0.0.1", 0, "", 200),
        (True, "", "::1", 0, "", 200),
        (True, "", "203.0.113.9", 0, "", 404),
        (True, "", "127.0.0.1", 1, "", 404),
        (True, "", "not-an-address", 0, "", 404),
        (True, "s3cret", "203.0.113.9", 0, "Bearer s3cret", 200),
        (True, "s3cret", "127.0.0.1", 0, "", 404),
        (True, "s3cret", "127.0.0.1", 0, "Bearer wrong", 404),
        (False, "s3cret", "127.0.0.1", 0, "Bearer é", 404),
    ],
)
def test_metrics_are_for_those_who_may(
    api, settings, production, token, peer, hops, given, status
) -> None:
    settings.PRODUCTION = production
    settings.METRICS_TOKEN = token
    settings.TRUSTED_PROXY_COUNT = hops

    response = api.get("/metrics", headers={"Authorization": given}, REMOTE_ADDR=peer)

    assert response.status_code == status
    if status == 200:
        assert b"django_http_requests_total_by_method_total" in response.content


def test_the_front_page_leads_everywhere_and_loads_nothing(api) -> None:
    page = api.get("/").content.decode()

    for link in ("/admin/", "/api/docs", "/api/redoc", "/api/schema", "/readyz"):
        assert f'href="{link}"' in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_the_reference_is_served_from_here(api, path) -> None:
    page = api.get(path).content.decode()

    assert "drf_spectacular_sidecar" in page
    assert "https://" not in page


def test_the_description_is_openapi_31(api) -> None:
    document = api.get("/api/schema", headers={"Accept": "application/json"}).json()

    assert document["openapi"].startswith("3.1")
    assert "/api/v1/locations" in document["paths"]


def _refuse(*_):
    raise OperationalError("the database is away")
