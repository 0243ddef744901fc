"""ServiceTitan: what its answers and webhooks mean, and what is a setting."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from core.ids import uuid7
from integrations.connectors.port import Answer, Known
from integrations.connectors.servicetitan import (
    ServiceTitan,
    facts,
    hearing,
    jobs,
    wire,
)
from integrations.models import InboundEvent, InboundState
from integrations.rules.refusals import NoAnswer, NotAllowed, NotYet, Refused
from integrations.rules.things import Inbound, Thing
from integrations.services.connections import hash_of_token
from integrations.services.inbox.processing import process_inbound
from integrations.services.sync import tell
from integrations.services.sync.partners import partner_of
from integrations.services.sync.records import thing_of
from tests.factories import NOW, TOMORROW, local, make_lead, make_property
from tests.integrations.inbox import callers
from tests.integrations.sync.company import make_visit
from tests.integrations.sync.conftest import connection, crew, crm
from tests.integrations.sync.crm import Crm, send_all

__all__ = ["connection", "crew", "crm"]  # fixtures

SECRET = "k" * 40


@dataclass
class Told:
    """A caller that answers as it is told, and keeps what it was asked."""

    answers: list[Any] = field(default_factory=list)
    settings: Any = field(
        default_factory=lambda: {"tenant_id": "7", "app_guid": "guid"}
    )
    credentials: Any = field(
        default_factory=lambda: {"client_id": "a", "client_secret": "b", "app_key": "c"}
    )
    kept: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        self.asked.append((method, path, more))
        answer = self.answers.pop(0) if self.answers else {"data": [], "hasMore": False}
        if isinstance(answer, Exception):
            raise answer
        return Answer(status=200, json=answer, headers={})

    def remember(self, key: str, value: str, *, seconds: float) -> None:
        self.kept[key] = value

    def recall(self, key: str) -> str | None:
        return self.kept.get(key)


# --- Who we are ---------------------------------------------------------------


def test_a_token_is_fetched_once_and_kept():
    call = Told(answers=[{"access_token": "t1", "expires_in": 900}])

    first, second = (ServiceTitan().authorise(call) for _ in range(2))

    assert first == second == {"Authorization": "Bearer t1", "ST-App-Key": "c"}
    ((method, path, more),) = call.asked
    assert (method, path, more["host"]) == ("POST", "/connect/token", "auth")
    assert more["form"]["grant_type"] == "client_credentials"


def test_the_word_before_the_token_is_a_setting():
    call = Told(kept={"token": "t1"})
    call.settings["token_scheme"] = "Token"

    assert ServiceTitan().authorise(call)["Authorization"] == "Token t1"


def test_an_answer_without_a_token_is_none():
    with pytest.raises(NoAnswer):
        ServiceTitan().authorise(Told(answers=[{"scope": "x"}]))


def test_a_client_whom_they_do_not_know_needs_a_person():
    connector = ServiceTitan()

    assert connector.kind_of(400, {"error": "invalid_client"}) is NotAllowed
    assert connector.kind_of(400, {"title": "Bad"}) is None
    assert connector.kind_of(409, {"error": "invalid_client"}) is None


@pytest.mark.django_db
def test_the_test_of_a_connection_changes_nothing(crm: Crm, connection):
    said = ServiceTitan().check(partner_of(connection).call)

    assert "1001 answers" in said
    assert crm.changes() == []


# --- What they say ------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {
                "title": "Not valid",
                "errors": {"name": ["is required", "is short"]},
                "traceId": "00-1",
            },
            "Not valid; name: is required is short; trace 00-1",
        ),
        ({"message": "Unauthorized"}, "Unauthorized"),
        ({"error": "invalid_client"}, "invalid_client"),
        ("<html>", "a page instead of an answer"),
        (None, ""),
        ([], ""),
    ],
)
def test_a_problem_is_one_sentence(body, sentence):
    assert ServiceTitan().failure_of(400, body) == ("", sentence)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"title": "Rate limit is exceeded. Try again in 7 seconds."}, 7.0),
        ({"title": "Rate limit is exceeded."}, None),
        ({"title": "seconds"}, None),
        ({"title": 3}, None),
        (None, None),
        ({"title": "Try again in -5 seconds."}, None),
    ],
)
def test_a_wait_may_stand_in_the_title(body, seconds):
    assert ServiceTitan().retry_after_of(429, body) == seconds
    assert ServiceTitan().retry_after_of(503, body) is None


def appointment(**given: Any) -> dict[str, Any]:
    return {
        "id": 9,
        "jobId": 8,
        "status": "Scheduled",
        "start": "2027-03-02T17:30:00Z",
        "end": "2027-03-02T18:30:00Z",
        "arrivalWindowStart": "2027-03-02T17:00:00Z",
        "arrivalWindowEnd": "2027-03-02T19:00:00Z",
        "modifiedOn": "2027-03-01T15:00:00.1234567Z",
    } | given


def test_the_arrival_window_is_the_promise():
    found = jobs.remote_of(appointment())

    assert found.fields == {
        "window_starts_at": "2027-03-02T17:00:00Z",
        "window_ends_at": "2027-03-02T19:00:00Z",
        "starts_at": "2027-03-02T17:30:00Z",
        "ends_at": "2027-03-02T18:30:00Z",
        "work_minutes": 60,
        "status": "scheduled",
    }
    assert found.also == {"job": "8"}


@pytest.mark.parametrize(
    "window",
    [
        {"arrivalWindowStart": None, "arrivalWindowEnd": None},
        {"start": "2027-03-02T20:00:00Z", "end": "2027-03-02T21:00:00Z"},
        {"start": "2027-03-02T20:00:00+00:00", "end": "2027-03-02T14:00:00-07:00"},
    ],
)
def test_a_start_outside_of_the_window_is_the_promise(window):
    found = jobs.remote_of(appointment(**window)).fields

    assert found["window_starts_at"] == found["starts_at"]


@pytest.mark.parametrize("status", ["Hold", "Something new", None])
def test_a_status_that_says_nothing_to_us_is_left_out(status):
    assert "status" not in jobs.remote_of(appointment(status=status)).fields


def test_versions_order_as_text_however_they_were_written():
    texts = [
        "2027-03-01T15:00:00Z",
        "2027-03-01T15:00:00.1234567Z",
        "2027-03-01T08:00:01-07:00",
    ]

    versions = [wire.version(text) for text in texts]

    assert versions == sorted(versions)
    assert wire.version("yesterday") == wire.version(None) == ""


@pytest.mark.parametrize(
    ("job", "status"),
    [("Completed", "completed"), ("Canceled", "cancelled"), ("InProgress", None)],
)
def test_a_job_tells_how_its_visit_ended(job, status):
    said = {"id": 8, "firstAppointmentId": 9, "jobStatus": job}

    found = jobs.job_remote(said)

    assert found is not None
    assert found.fields.get("status") == status
    assert (found.remote_id, found.also) == ("9", {"job": "8"})


@pytest.mark.parametrize(
    "said", [{}, {"id": 8}, {"id": 8, "firstAppointmentId": None}, [], "ok"]
)
def test_a_job_without_ids_is_an_unknown_outcome(said):
    thing = Thing(
        kind="appointment",
        id=uuid7(),
        reference="V-1",
        fields={"status": "scheduled"},
    )
    known = Known(
        parents={
            "customer": Known(ids={"customer": "1"}),
            "property": Known(ids={"location": "2"}),
        }
    )
    body = {"jobTypeId": "1", "businessUnitId": "2", "campaignId": "3"}

    with pytest.raises(NoAnswer):
        ServiceTitan().create(Told(answers=[said]), thing, known, body)


@pytest.mark.parametrize("status", ["requested", "held", "cancelled", "on_site"])
def test_only_a_visit_that_is_to_be_done_becomes_a_job(status):
    thing = Thing(
        kind="appointment", id=uuid7(), reference="V-1", fields={"status": status}
    )

    with pytest.raises(NotYet):
        ServiceTitan().create(Told(), thing, Known(), {})


def test_cancelling_without_a_reason_names_the_setting():
    thing = Thing(
        kind="appointment",
        id=uuid7(),
        reference="V-1",
        fields={"status": "cancelled", "cancellation_reason": "Rain"},
    )

    with pytest.raises(Refused, match="cancel_reason_id"):
        ServiceTitan().update(
            Told(), thing, Known(ids={"job": "8"}), {}, frozenset({"status"})
        )


def test_a_list_that_never_ends_is_read_up_to_a_bound():
    """Some mocks answer hasMore for ever."""
    call = Told(answers=[{"data": [{"id": 1}], "hasMore": True}] * 500)

    assert len(list(wire.pages(call, "/x", {}))) == wire.MOST_PAGES


# --- Webhooks are hints -------------------------------------------------------


def heard(event_type: str, body: bytes, **settings: str) -> tuple[Told, list[Any]]:
    call = Told(answers=[appointment(), {"data": [], "hasMore": False}])
    call.settings |= settings
    event = Inbound(event_type=event_type, headers={}, body=body)
    return call, hearing.read(call, event)


@pytest.mark.parametrize(
    ("event_type", "body", "settings"),
    [
        ("appointment.rescheduled", b'{"id": 9}', {}),
        ("", b'{"eventType": "appointment.updated", "data": {"id": 9}}', {}),
        ("AppointmentChanged", b'{"appointmentId": "9"}', {}),
        ("appointment-assignment.created", b'{"id": 4, "appointmentId": 9}', {}),
        ("x", b'{"a": {"b": 9}}', {"webhook_events": "x=appointment,y=job"}),
    ],
)
def test_a_webhook_has_the_thing_read_anew(event_type, body, settings):
    path = {"webhook_id_path": "a.b"} if b'"a"' in body else {}

    call, found = heard(event_type, body, **settings, **path)

    assert call.asked[0][1] == "/jpm/v2/tenant/7/appointments/9"
    assert [remote.remote_id for remote in found] == ["9"]


@pytest.mark.parametrize(
    ("event_type", "body"),
    [
        ("invoice.paid", b'{"id": 9}'),
        ("appointment.updated", b"{}"),
        ("appointment.updated", b'{"id": "../../secrets"}'),
        ("appointment.updated", b'{"id": true}'),
        ("appointment.updated", b"[1]"),
        ("", b"no json"),
    ],
)
def test_what_names_nothing_is_not_read(event_type, body):
    call, found = heard(event_type, body)

    assert (call.asked, found) == ([], [])


def test_a_thing_that_is_gone_is_told_as_gone():
    call = Told(answers=[Refused("HTTP 404", status=404)])
    event = Inbound(event_type="appointment.deleted", headers={}, body=b'{"id": 9}')

    (found,) = hearing.read(call, event)

    assert found.is_gone


@pytest.fixture
def visit(crm: Crm, connection, crew):
    """Return a visit at ten that the CRM knows, with its webhooks turned on."""
    made = make_visit(crew[0])
    tell(connection=connection, kind="appointment", object_id=made.pk)
    send_all()
    connection.inbound_token = "a-token-that-nobody-guesses"
    connection.inbound_token_hash = hash_of_token(connection.inbound_token)
    connection.inbound_secret = SECRET
    connection.save()
    return made


def tell_us(client, connection, said: dict[str, Any]) -> InboundEvent:
    """Call us back as they would, and take it in."""
    call = callers.servicetitan(said, secret=SECRET)
    kind = call.headers.pop("Content-Type")
    path = callers.path_of(connection)
    answer = client.post(path, call.body, content_type=kind, headers=call.headers)
    assert answer.status_code in {200, 202}
    event = InboundEvent.objects.latest("pk")
    process_inbound(event_id=event.pk, now=NOW)
    event.refresh_from_db()
    return event


@pytest.mark.django_db
def test_a_signed_webhook_moves_the_visit(client, crm: Crm, connection, visit):
    number = crm.row("appointments")["id"]
    opens, closes = local(TOMORROW, 14).isoformat(), local(TOMORROW, 16).isoformat()
    crm.act(
        "move",
        appointment=number,
        start=opens,
        end=local(TOMORROW, 15).isoformat(),
        arrivalWindowStart=opens,
        arrivalWindowEnd=closes,
    )

    event = tell_us(
        client,
        connection,
        {
            "eventId": "1",
            "eventType": "appointment.rescheduled",
            "data": {"id": number},
        },
    )

    visit.refresh_from_db()
    assert event.state == InboundState.PROCESSED
    assert visit.window_starts_at == local(TOMORROW, 14)


@pytest.mark.django_db
def test_an_echo_of_our_own_change_is_ignored(client, crm: Crm, connection, visit):
    number = crm.row("appointments")["id"]

    event = tell_us(
        client,
        connection,
        {"eventId": "1", "eventType": "job.created", "data": crm.row("jobs")},
    )
    again = tell_us(
        client,
        connection,
        {"eventId": "2", "eventType": "appointment.updated", "data": {"id": number}},
    )

    assert (event.state, again.state) == (InboundState.IGNORED, InboundState.IGNORED)
    visit.refresh_from_db()
    assert visit.sequence == 0


@pytest.mark.django_db
def test_an_old_webhook_that_comes_late_says_what_is_true_now(
    client, crm: Crm, connection, visit
):
    """The body claims another time: it is not believed, the thing is read."""
    lie = {**crm.row("appointments"), "arrivalWindowStart": "2027-03-02T23:00:00Z"}

    event = tell_us(
        client,
        connection,
        {"eventId": "1", "eventType": "appointment.rescheduled", "data": lie},
    )

    visit.refresh_from_db()
    assert event.state == InboundState.IGNORED
    assert visit.window_starts_at == local(TOMORROW, 10)


# --- The mapping that a connection begins with --------------------------------


@pytest.mark.django_db
def test_each_mapped_field_is_one_of_ours(crew):
    visit = make_visit(crew[0])
    things = {
        "appointment": visit.pk,
        "customer": visit.customer_id,
        "property": make_property(customer=visit.customer).pk,
        "lead": make_lead().pk,
    }
    for kind, object_id in things.items():
        thing = thing_of(kind=kind, object_id=object_id)
        assert thing is not None
        mapped = {row.field for row in facts.MAPPING if row.kind == kind}
        assert mapped <= thing.fields.keys()


def test_what_is_not_published_is_a_setting_that_says_so():
    unsure = [row.name for row in facts.QUESTIONS if "Not confirmed" in row.help]

    assert {"token_scheme", "token_seconds", "webhook_header"} <= set(unsure)
