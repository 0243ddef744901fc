"""The inbox as admins see it: a list, what was said, and a button."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import Role
from core.models import Event
from integrations.models import InboundEvent, InboundState, Vendor
from integrations.services.inbox import processing
from integrations.services.inbox.storing import Said, store
from tests.factories import make_location, make_user
from tests.integrations.inbox.callers import make_connection

pytestmark = pytest.mark.django_db

URL = "/api/v1/integrations/inbox"


def say(vendor: str = "servicetitan", state: str = "received", **given) -> InboundEvent:
    connection = given.pop("connection", None) or make_connection(vendor)
    said = Said(
        body=b'{"name":"Ada"}\xff', headers={"user-agent": "x"}, dedupe_key="1", **given
    )
    event_id, _ = store(connection=connection, said=said)
    ended = None if state == "received" else timezone.now()
    InboundEvent.objects.filter(pk=event_id).update(state=state, finished_at=ended)
    return InboundEvent.objects.get(pk=event_id)


@pytest.fixture
def admin(api_as):
    return api_as(make_user(Role.ADMIN))


class TestList:
    """What came, the newest first."""

    def test_shows_what_became_of_it_but_no_body(self, admin) -> None:
        event = say(event_type="job.updated", external_id="7", state="dead")

        shown = admin.get(URL).json()["results"][0]

        assert shown["id"] == str(event.pk)
        assert (shown["vendor"], shown["source"]) == ("servicetitan", "webhook")
        assert (shown["event_type"], shown["external_id"]) == ("job.updated", "7")
        assert (shown["state"], shown["times_received"]) == ("dead", 1)
        assert "body" not in shown

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=dead", 1),
            ("state=dead&state=received", 2),
            ("vendor=stripe", 1),
            ("source=poll", 0),
            ("event_type=a.b", 1),
            ("external_id=7", 1),
            ("received_after=2090-01-01T00:00:00Z", 0),
            ("received_before=2090-01-01T00:00:00Z", 2),
        ],
    )
    def test_is_narrowed(self, admin, query, found) -> None:
        say(state="dead", external_id="7")
        say(Vendor.STRIPE, event_type="a.b")

        assert len(admin.get(f"{URL}?{query}").json()["results"]) == found

    def test_by_connection(self, admin) -> None:
        event = say()
        say()

        shown = admin.get(f"{URL}?connection={event.connection_id}").json()

        assert [one["id"] for one in shown["results"]] == [str(event.pk)]

    def test_asks_as_often_for_twenty_as_for_one(self, admin) -> None:
        def ask() -> int:
            with CaptureQueriesContext(database) as asked:
                assert admin.get(URL).status_code == 200
            return len(asked)

        say()
        one = ask()
        for _ in range(19):
            say()

        assert ask() == one

    @pytest.mark.parametrize("role", [Role.DISPATCHER, Role.VIEWER, Role.INTEGRATION])
    def test_is_the_admins_alone(self, api_as, role) -> None:
        client = api_as(make_user(role, locations=[make_location()]))

        assert client.get(URL).status_code == 403


class TestOne:
    """One of them, with what was said."""

    def test_shows_the_body_word_for_word(self, admin) -> None:
        event = say()

        shown = admin.get(f"{URL}/{event.pk}").json()

        assert shown["body"] == '{"name":"Ada"}\ufffd'
        assert shown["headers"] == {"user-agent": "x"}

    @pytest.mark.parametrize("pk", ["0", "9" * 30, "x", "%00", "-1", "1.5"])
    def test_what_is_not_there(self, admin, pk) -> None:
        answer = admin.get(f"{URL}/{pk}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestReplay:
    """What was given up, or was nothing to us, is taken in again."""

    @pytest.mark.parametrize("state", [InboundState.DEAD, InboundState.IGNORED])
    def test_it_waits_again(self, admin, told, state, hints) -> None:
        event = say(state=state)
        InboundEvent.objects.update(attempts=11)

        answer = admin.post(f"{URL}/{event.pk}/replay")
        processing.process_inbound(event_id=event.pk, now=timezone.now())

        event.refresh_from_db()
        assert (answer.status_code, answer.json()["state"]) == (202, "received")
        assert (event.state, event.attempts) == ("ignored", 1)
        audit = Event.objects.get(name="callback.replayed")
        assert audit.aggregate_id == event.connection_id
        assert audit.data == {"callback": event.pk, "was": state}

    def test_twice_is_as_good_as_once(self, admin) -> None:
        event = say(state="dead")

        answers = [admin.post(f"{URL}/{event.pk}/replay") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [202, 202]
        assert Event.objects.filter(name="callback.replayed").count() == 1

    @pytest.mark.parametrize("state", [InboundState.PROCESSED, InboundState.STALE])
    def test_what_had_its_effect_has_it_no_second_time(self, admin, state) -> None:
        event = say(state=state)

        answer = admin.post(f"{URL}/{event.pk}/replay")

        assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")
        assert not Event.objects.filter(name="callback.replayed").exists()


class TestReplayOfMany:
    """After an outage: all that was given up in a time."""

    TIME = {"from": "2020-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}

    def replay(self, admin, **more):
        return admin.post(f"{URL}/replay", self.TIME | more, format="json")

    def test_the_dead_wait_again_and_nothing_else(self, admin, hints) -> None:
        dead = [say(state="dead") for _ in range(2)]
        done = say(state="processed")
        hints.clear()

        answers = [self.replay(admin).json() for _ in range(2)]

        done.refresh_from_db()
        assert answers == [{"count": 2}, {"count": 0}]
        assert done.state == "processed"
        waiting = InboundEvent.objects.filter(state="received", attempts=0)
        assert {event.pk for event in waiting} == {event.pk for event in dead}
        audit = Event.objects.get(name="callbacks.replayed")
        assert audit.data == {"count": 2, "asked": self.TIME}

    def test_of_one_connection(self, admin) -> None:
        event = say(state="dead")
        say(state="dead")

        answer = self.replay(admin, connection=str(event.connection_id))

        event.refresh_from_db()
        assert answer.json() == {"count": 1}
        assert event.state == "received"

    def test_of_another_time(self, admin) -> None:
        say(state="dead")

        assert self.replay(admin, to="2020-01-02T00:00:00Z").json() == {"count": 0}

    def test_a_time_has_a_length(self, admin) -> None:
        answer = self.replay(admin, to="2020-01-01T00:00:00Z")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


class TestAdminSite:
    """The same as pages."""

    @pytest.fixture
    def browser(self, client):
        client.force_login(make_user(Role.ADMIN))
        return client

    def page(self, event: InboundEvent, name: str = "change", *more: str) -> str:
        return reverse(
            f"admin:integrations_inboundevent_{name}", args=[event.pk, *more]
        )

    def test_the_list_is_narrowed(self, browser) -> None:
        say(event_type="dead.one", state="dead")
        say(Vendor.STRIPE, event_type="fresh.one")
        url = reverse("admin:integrations_inboundevent_changelist")

        dead = browser.get(url, {"state": "dead"}).content.decode()
        stripes = browser.get(url, {"vendor": "stripe"}).content.decode()

        assert ("dead.one" in dead, "fresh.one" in dead) == (True, False)
        assert ("dead.one" in stripes, "fresh.one" in stripes) == (False, True)

    def test_a_page_shows_what_was_said(self, browser) -> None:
        page = browser.get(self.page(say())).content.decode()

        assert "{&quot;name&quot;:&quot;Ada&quot;}" in page
        assert "Take in again" not in page

    def test_a_button_takes_it_in_again(self, browser) -> None:
        event = say(state="dead")

        answer = browser.post(self.page(event, "action", "replay"))

        event.refresh_from_db()
        assert answer.status_code == 302
        assert event.state == "received"

    def test_another_takes_in_all_that_was_given_up(self, browser) -> None:
        for _ in range(3):
            say(state="dead")

        answer = browser.post(reverse("admin:integrations_inboundevent_replay_dead"))

        assert answer.status_code == 302
        assert InboundEvent.objects.filter(state="received").count() == 3

    def test_others_see_nothing_of_it(self, client) -> None:
        client.force_login(make_user(Role.DISPATCHER, locations=[make_location()]))

        assert client.get(self.page(say())).status_code in {403, 404}
