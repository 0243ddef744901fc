"""A company at work over HTTP: whatever people do, in whatever order, all stays true.

Hypothesis plays the office, the technicians and the customers of one branch for some
days; after each step the whole database is audited, as after a race.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIClient

from accounts.api.tokens import token_pair
from accounts.services import begin_session
from appointments.models import Appointment, Hold
from core.actors import Role
from core.models import Event
from technicians.models import Technician
from tests.factories import (
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_location,
    make_property,
    make_service,
    make_technician,
    make_user,
    make_zone,
)
from tests.properties.conftest import PROFILE
from tests.races import audit

pytestmark = pytest.mark.django_db

ZIP = "QDAYS"
IS_LONG = PROFILE.max_examples > 200
RUN = hypothesis_settings(
    PROFILE,
    max_examples=400 if IS_LONG else 50,
    stateful_step_count=40 if IS_LONG else 20,
)

QUARTERS = st.integers(0, 47)  # from six in the morning until six in the evening
STEPS = ["dispatched", "en_route", "on_site", "paused", "completed", "no_show"]
NUMBERS = st.integers(0, 2)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Days(RuleBasedStateMachine):
    """One branch, three technicians, three services, and all who ask for them."""

    visits = Bundle("visits")
    absences = Bundle("absences")

    @initialize(target=visits)
    def open_the_company(self) -> Any:
        # Ended by `teardown`, which also undoes all that was written.
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.time = self.clock.__enter__()
        branch = make_location()
        make_zone(ZIP, location=branch)
        self.technicians = [
            make_technician(location=branch, shift=shift)
            for shift in ((8, 17), (6, 14), (10, 18))
        ]
        self.services = [
            make_service(booking_mode="exact", duration_minutes=60),
            make_service(booking_mode="exact", duration_minutes=45, **BUFFERS),
            make_service(duration_minutes=90, window_minutes=120, notice_minutes=0),
        ]
        self.address = make_property(postal_code=ZIP)
        self.user = make_user(Role.ADMIN)
        self._sign_in()
        self.seen: dict[str, int] = {}
        # Who keeps which slot: the answer to each visitor's last hold.
        self.kept: dict[int, dict[str, Any]] = {}
        self.absences_made = 0
        return multiple(
            *(
                str(self._booked_before(technician, hour).pk)
                for technician, hour in zip(self.technicians, (10, 11, 10), strict=True)
            )
        )

    def _booked_before(self, technician: Technician, hour: int) -> Appointment:
        return make_appointment(
            technician=technician,
            property=self.address,
            service=self.services[2],
            starts_at=local(TOMORROW, hour),
            window_starts_at=local(TOMORROW, 10),
            window_ends_at=local(TOMORROW, 12),
        )

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            self.clock.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    # --- What people do -----------------------------------------------------------

    @rule(target=visits, service=NUMBERS, quarter=QUARTERS)
    def book(self, service: int, quarter: int) -> Any:
        """Book whatever is asked for, offered or not."""
        return one_or_none(self._book(service, at(quarter)))

    @rule(target=visits, service=NUMBERS, number=st.integers(0, 50))
    def book_what_is_offered(self, service: int, number: int) -> Any:
        found = self._offered(service)
        if not found:
            return multiple()
        visit = self._book(service, found[number % len(found)])
        assert visit is not None, "what is offered can be booked"
        return visit

    @rule(visit=visits, quarter=QUARTERS, who=st.none() | NUMBERS)
    def reschedule(self, visit: str, quarter: int, who: int | None) -> None:
        form = {"starts_at": at(quarter).isoformat()}
        if who is not None:
            form["technician"] = str(self.technicians[who].pk)
        self._change(visit, "reschedule", form)

    @rule(visit=visits, number=st.integers(0, 50))
    def reschedule_to_what_is_offered(self, visit: str, number: int) -> None:
        code = Appointment.objects.values_list("service__code", flat=True).get(pk=visit)
        codes = [service.code for service in self.services]
        found = self._offered(codes.index(code))
        if found:
            form = {"starts_at": found[number % len(found)].isoformat()}
            self._change(visit, "reschedule", form)

    @rule(visit=visits, who=NUMBERS)
    def assign(self, visit: str, who: int) -> None:
        self._change(visit, "assign", {"technician": str(self.technicians[who].pk)})

    @rule(visit=visits)
    def unassign(self, visit: str) -> None:
        self._change(visit, "unassign", {})

    @rule(visit=visits)
    def cancel(self, visit: str) -> None:
        self._change(visit, "cancel", {"reason": "Sold the house"})

    @rule(visit=visits, to=st.sampled_from(STEPS))
    def step(self, visit: str, to: str) -> None:
        self._change(visit, "status", {"status": to, "reason": "So it is"})

    @rule(visit=visits, action=st.sampled_from(["cancel", "unassign"]))
    def come_with_an_old_version(self, visit: str, action: str) -> None:
        before = self._versions()
        answer = self._post(
            f"/appointments/{visit}/{action}",
            {"reason": "Late"},
            headers={"If-Match": f'"{before[visit] + 1}"'},
        )
        assert (answer.status_code, answer.json()["code"]) == (412, "version_conflict")
        assert self._versions() == before

    @rule(one=visits, other=visits, exchange=st.sampled_from(["technicians", "plans"]))
    def swap(self, one: str, other: str, exchange: str) -> None:
        before = self._versions()
        answer = self._post(
            "/appointments/swap", {"first": one, "second": other, "exchange": exchange}
        )
        after = self._versions()
        changed = {visit for visit in after if after[visit] != before[visit]}
        assert changed == ({one, other} if answer.status_code == 200 else set())
        assert answer.status_code in {200, 409, 422}

    @rule(target=visits, service=NUMBERS, quarter=QUARTERS)
    def book_beside_the_rules(self, service: int, quarter: int) -> Any:
        """Set aside what can be: two visits of one technician at once never can."""
        form = self._form(service, at(quarter) + timedelta(minutes=5))
        soft = ["window", "notice", "overtime", "zone"]
        answer = self._post(
            "/appointments", form | {"override": soft, "reason": "An old customer"}
        )
        assert answer.status_code in {201, 409}
        return one_or_none(answer.json().get("id"))

    # --- Slots that are kept ------------------------------------------------------

    @rule(visitor=NUMBERS, service=NUMBERS, number=st.integers(0, 50))
    def keep(self, visitor: int, service: int, number: int) -> None:
        found = self._offered(service)
        if not found:
            return
        form = self._form(service, found[number % len(found)])
        form["visitor"] = str(UUID(int=visitor + 1))
        form["postal_code"] = ZIP
        del form["property"]
        answer = self._post("/holds", form)
        assert answer.status_code == 201, "what is offered can be kept"
        self.kept[visitor] = form | answer.json() | {"absences": self.absences_made}

    @rule(target=visits, visitor=NUMBERS)
    def book_what_is_kept(self, visitor: int) -> Any:
        kept = self.kept.pop(visitor, None)
        if kept is None:
            return multiple()
        form = {name: kept[name] for name in ("service", "starts_at")}
        form |= {"property": str(self.address.pk), "hold": kept["token"]}
        answer = self._post("/appointments", form)
        if answer.status_code == 201:
            return answer.json()["id"]
        assert answer.json()["code"] in {"slot_unavailable", "hold_expired"}
        is_live = timezone.now() < datetime.fromisoformat(kept["expires_at"])
        assert not is_live or kept["absences"] < self.absences_made, answer.content
        return multiple()

    @rule(visitor=NUMBERS)
    def let_go(self, visitor: int) -> None:
        kept = self.kept.pop(visitor, None)
        if kept is not None:
            answer = self.office.delete(
                f"/api/v1/holds/{kept['id']}", headers={"X-Hold-Token": kept["token"]}
            )
            # Gone: it was over, and may have been tidied away since.
            assert answer.status_code in {204, 404, 410}

    # --- Absences, and time ---------------------------------------------------------

    @rule(
        target=absences,
        who=NUMBERS,
        quarter=QUARTERS,
        length=st.integers(1, 24),
        on_conflict=st.sampled_from(["reject", "unassign"]),
    )
    def be_away(self, who: int, quarter: int, length: int, on_conflict: str) -> Any:
        technician, before = self.technicians[who].pk, self._versions()
        answer = self._post(
            f"/technicians/{technician}/time-off",
            {
                "starts_at": at(quarter).isoformat(),
                "ends_at": at(quarter + length).isoformat(),
                "on_conflict": on_conflict,
            },
        )
        if answer.status_code == 201:
            self.absences_made += 1
            if on_conflict == "reject":
                assert self._versions() == before
            return f"/technicians/{technician}/time-off/{answer.json()['id']}"
        assert (answer.status_code, answer.json()["code"]) == (409, "conflicts")
        assert on_conflict == "reject"
        assert self._versions() == before
        return multiple()

    @rule(absence=consumes(absences))
    def be_there_after_all(self, absence: str) -> None:
        assert self.office.delete(f"/api/v1{absence}").status_code == 204

    @rule(minutes=st.integers(1, 300))
    def let_time_pass(self, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))
        self._sign_in()

    @precondition(lambda self: hasattr(self, "seen"))
    @rule(service=NUMBERS, quarter=QUARTERS)
    def the_list_agrees_with_booking(self, service: int, quarter: int) -> None:
        is_offered = at(quarter) in self._offered(service)
        with undone():
            is_booked = self._book(service, at(quarter)) is not None
        self.seen = self._versions()
        assert is_booked == is_offered

    # --- What must be true after each step ------------------------------------------

    @invariant()
    def all_is_true(self) -> None:
        if not hasattr(self, "seen"):
            return
        audit.audit_rows()
        assert Hold.objects.count() <= 3, "a visitor keeps one slot"
        versions = self._versions()
        assert self.seen.keys() <= versions.keys()
        assert all(versions[visit] >= known for visit, known in self.seen.items())
        self.seen = versions

    # --- How it is asked --------------------------------------------------------------

    def _sign_in(self) -> None:
        now = timezone.now()
        token = token_pair(begin_session(user=self.user, now=now), now=now)["access"]
        self.office = APIClient(raise_request_exception=False)
        self.office.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def _post(self, path: str, form: dict[str, Any], **given: Any) -> Any:
        answer = self.office.post(f"/api/v1{path}", form, format="json", **given)
        assert answer.status_code < 500, answer.content
        return answer

    def _book(self, service: int, start: datetime) -> str | None:
        answer = self._post("/appointments", self._form(service, start))
        if answer.status_code == 201:
            return str(answer.json()["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "slot_unavailable")
        return None

    def _form(self, service: int, start: datetime) -> dict[str, Any]:
        return {
            "service": self.services[service].code,
            "property": str(self.address.pk),
            "starts_at": start.isoformat(),
        }

    def _offered(self, service: int) -> list[datetime]:
        asked: dict[str, Any] = {
            "service": self.services[service].code,
            "postal_code": ZIP,
            "from": TOMORROW.isoformat(),
            "days": 1,
        }
        answer = self.office.get("/api/v1/availability", asked)
        slots = answer.json()["slots"]
        return [datetime.fromisoformat(slot["starts_at"]) for slot in slots]

    def _change(self, visit: str, action: str, form: dict[str, Any]) -> None:
        """Do it with the right version: it makes one event, or changes nothing."""
        before, events = self._versions(), Event.objects.count()
        answer = self._post(
            f"/appointments/{visit}/{action}",
            form,
            headers={"If-Match": f'"{before[visit]}"'},
        )
        after = self._versions()
        made = Event.objects.count() - events
        others = {other: after[other] for other in after if other != visit}
        assert others.items() <= before.items(), "nobody else's visit is touched"
        if answer.status_code == 200:
            assert answer.json()["version"] == after[visit]
            assert after[visit] - before[visit] == made <= 1
        else:
            assert answer.status_code == 409, answer.content
            assert answer.json()["code"] in {"slot_unavailable", "invalid_transition"}
            assert (after, made) == (before, 0)

    def _versions(self) -> dict[str, int]:
        rows = Appointment.objects.values_list("pk", "version")
        return {str(pk): version for pk, version in rows}


BUFFERS: dict[str, Any] = {"buffer_before_minutes": 15, "buffer_after_minutes": 30}


def one_or_none(visit: str | None) -> Any:
    """Return what a rule adds to its bundle."""
    return multiple() if visit is None else visit


def at(quarter: int) -> datetime:
    return local(TOMORROW, 6) + quarter * timedelta(minutes=15)


def test_whatever_people_do_all_stays_true(settings) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/m")

    run_state_machine_as_test(Days, settings=RUN)

    assert not Appointment.objects.exists(), "each run was undone"
