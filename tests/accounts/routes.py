"""One row for each route of the API: what it shows, and how to make one of it.

A new route needs a row here (`test_matrix` fails until it has one) and an entry in
`accounts.rules.policy`. A row's `make` makes a thing that belongs to the technician it
is given, at that technician's branch, and returns what the path is filled with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from django.db.models.functions import Now

from appointments.models import Cap, Hold, TechnicianPreference
from appointments.selectors.holds import hash_of
from core.ids import uuid7
from core.models import Holiday
from integrations.models import (
    Connection,
    ConnectionHealth,
    ExternalLink,
    InboundEvent,
    SyncConflict,
    WebhookEndpoint,
)
from integrations.services.inbox.storing import Said, store
from notifications.models import Notification, Reply
from technicians.models import Technician
from tests.core.outbox_rows import tell
from tests.factories import (
    DAY,
    NOW,
    TOMORROW,
    local,
    make_appointment,
    make_customer,
    make_lead,
    make_plan,
    make_service,
    make_skill,
    make_time_off,
    make_user,
)
from tests.integrations.deposits.rows import make_deposit
from tests.integrations.inbox.callers import make_connection

Made = Mapping[str, Any]
Maker = Callable[[Technician], Made]


@dataclass(frozen=True, kw_only=True)
class Row:
    """How a route is tried.

    Things of a row with `make` are scoped: those of another branch, and for a
    technician those of a colleague, are not found or not listed. `company_wide` things
    are there for everybody whom the policy lets in. `bodies` are forms, by method, that
    reach the thing; without one, nothing is sent. Their texts and those of `headers`
    are filled from what `make` returned.
    """

    make: Maker | None = None
    company_wide: bool = False
    query: str = ""
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, *, method: str, made: Made) -> dict[str, Any]:
        form = self.bodies.get(method, {})
        return {
            name: value.format_map(made) if isinstance(value, str) else value
            for name, value in form.items()
        }

    def filled_headers(self, *, made: Made) -> dict[str, str]:
        return {name: text.format_map(made) for name, text in self.headers.items()}


def nothing() -> Row:
    """Return the row of a path that leads to no thing of a branch."""
    return Row()


def listing(make: Maker, **given: Any) -> Row:
    """Return the row of a list: `make` makes one of its things."""
    return Row(make=make, **given)


def thing(make: Maker, **given: Any) -> Row:
    """Return the row of a path with an id: `make` makes what it leads to."""
    return Row(make=make, **given)


def branch(technician: Technician) -> Made:
    return {"pk": technician.location_id}


def holiday(technician: Technician) -> Made:
    """Make the branch's holiday, if it has none yet."""
    holiday, _ = Holiday.objects.get_or_create(
        location=technician.location, date=TOMORROW + 2 * DAY, name="Picnic"
    )
    return {"pk": holiday.pk, "location": technician.location_id}


def user(technician: Technician) -> Made:
    return {"pk": make_user(password=None, locations=[technician.location]).pk}


def lead(technician: Technician) -> Made:
    lead = make_lead(location=technician.location)
    return {"pk": lead.pk, "service": make_service().code}


def customer(technician: Technician) -> Made:
    return {"pk": make_customer().pk}


def crew_member(technician: Technician) -> Made:
    return {"pk": technician.pk}


def day_off(technician: Technician) -> Made:
    exception = technician.shift_exceptions.create(date=TOMORROW)
    return {"pk": technician.pk, "exception_id": exception.pk}


def time_off(technician: Technician) -> Made:
    absence = make_time_off(
        technician=technician, starts_at=local(TOMORROW, 8), ends_at=local(TOMORROW, 9)
    )
    return {"pk": technician.pk, "time_off_id": absence.pk}


def skill(technician: Technician) -> Made:
    return {"pk": make_skill().pk}


def service(technician: Technician) -> Made:
    return {"pk": make_service().pk}


def cap(technician: Technician) -> Made:
    fields = {"location": technician.location, "service": make_service()}
    return {"pk": Cap.objects.create(**fields, most=9).pk}


def preference(technician: Technician) -> Made:
    customer = make_customer()
    TechnicianPreference.objects.create(
        customer=customer, technician=technician, kind="preferred"
    )
    return {
        "pk": customer.pk,
        "technician_id": technician.pk,
        "technician": technician.pk,
    }


def visit(technician: Technician) -> Made:
    visit = make_appointment(technician=technician)
    return {"pk": visit.pk, "technician": technician.pk}


def plan(technician: Technician) -> Made:
    return {"pk": make_plan(location=technician.location).pk}


def occurrence(technician: Technician) -> Made:
    plan = make_plan(location=technician.location)
    due = plan.occurrences.create(
        period="2027-spring",
        first_day=TOMORROW,
        last_day=TOMORROW,
        starts=time(8),
    )
    return {"pk": plan.pk, "occurrence_id": due.pk}


def request(technician: Technician) -> Made:
    """Make a visit that waits for the office, which nobody is on."""
    visit = make_appointment(
        technician=technician, status="requested", starts_at=local(TOMORROW, 10)
    )
    visit.assignments.all().delete()
    return {"pk": visit.pk}


def hold(technician: Technician) -> Made:
    kept = Hold.objects.create(
        token_hash=hash_of("a token"),
        visitor="0195519c-7000-4000-8000-000000000001",
        location=technician.location,
        service=make_service(),
        postal_code="85004",
        window_starts_at=local(TOMORROW, 8),
        window_ends_at=local(TOMORROW, 10),
        starts_at=local(TOMORROW, 8),
        ends_at=local(TOMORROW, 9),
        expires_at=local(TOMORROW, 8),
    )
    return {"pk": kept.pk, "token": "a token"}


def message(technician: Technician) -> Made:
    visit = make_appointment(technician=technician)
    message = Notification.objects.create(
        key=str(visit.pk),
        appointment=visit,
        customer=visit.customer,
        event_name="appointment.booked",
        kind="confirmation",
        channel="email",
        recipient="ada@example.com",
        body="See you tomorrow.",
    )
    return {"pk": message.pk}


def reply(technician: Technician) -> Made:
    """Make an answer of a customer: it is the company's, like the customer."""
    heard = Reply.objects.create(
        provider_message_id=f"SM{technician.pk}",
        sender="+16025550142",
        body="See you then",
        meaning="other",
        received_at=NOW,
    )
    return {"pk": heard.pk}


def endpoint(technician: Technician) -> Made:
    endpoint = WebhookEndpoint.objects.create(
        url=f"https://crm.example/{technician.pk}",
        location=technician.location,
        secret="whsec_c2VjcmV0",
    )
    return {"pk": endpoint.pk}


def connection(technician: Technician) -> Made:
    connection = Connection.objects.create(
        vendor="servicetitan",
        name=f"Titan {technician.pk}",
        location=technician.location,
    )
    ConnectionHealth.objects.create(connection=connection)
    return {"pk": connection.pk}


def delivery(technician: Technician) -> Made:
    destination = str(endpoint(technician)["pk"])
    message = tell(kind="webhook", destination=destination)
    return {"pk": message.key, "key": message.key}


def deposit(technician: Technician) -> Made:
    """Make a deposit of the branch that is paid."""
    visit = make_appointment(technician=technician)
    row = make_deposit(visit=visit)
    return {"pk": row.pk, "token": f"token of {row.pk}"}


def link(technician: Technician) -> Made:
    """Make what a vendor of the branch calls something of ours."""
    made = ExternalLink.objects.create(
        connection=Connection.objects.get(pk=connection(technician)["pk"]),
        object_type="appointment",
        object_id=uuid7(),
        remote_type="job",
        remote_id="41000075",
    )
    return {"pk": made.pk}


def conflict(technician: Technician) -> Made:
    """Make a conflict of a connection of the branch."""
    row = make_connection(
        "servicetitan", location=technician.location
    ).conflicts.create(
        kind=SyncConflict.Kind.BOTH_CHANGED,
        object_type="appointment",
        object_id=uuid7(),
        field="status",
        kept="ours",
    )
    return {"pk": row.pk}


def callback(technician: Technician) -> Made:
    """Make what a vendor told a connection of the branch, given up since."""
    connection = make_connection("housecallpro", location=technician.location)
    said = Said(body=b"{}", dedupe_key="1")
    event_id, _ = store(connection=connection, said=said)
    InboundEvent.objects.update(state="dead", finished_at=Now())
    return {"pk": event_id}


def callback_url(technician: Technician) -> Made:
    connection = make_connection("mailchimp", location=technician.location)
    return {"vendor": "mailchimp", "token": connection.inbound_token}


NEW_TIME = local(TOMORROW, 11).isoformat()

ROWS: dict[str, Row] = {
    # accounts
    "auth/token": nothing(),
    "auth/token/refresh": nothing(),
    "auth/logout": nothing(),
    "auth/password": nothing(),
    "auth/me": nothing(),
    "users": listing(user, company_wide=True),
    "users/<uuid:pk>": thing(user, company_wide=True),
    "users/<uuid:pk>/deactivate": thing(user, company_wide=True),
    "users/<uuid:pk>/reactivate": thing(user, company_wide=True),
    "users/<uuid:pk>/password": thing(
        user, company_wide=True, bodies={"post": {"password": "a fresh long one"}}
    ),
    # core
    "locations": listing(branch),
    "locations/<uuid:pk>": thing(branch),
    "holidays": listing(
        holiday,
        bodies={
            "post": {
                "date": (TOMORROW + DAY).isoformat(),
                "name": "Picnic",
                "location": "{location}",
            }
        },
    ),
    "holidays/<uuid:pk>": thing(holiday),
    # leads
    "leads": listing(lead),
    "leads/<uuid:pk>": thing(lead, bodies={"patch": {"name": "Ada"}}),
    "leads/<uuid:pk>/contact": thing(lead),
    "leads/<uuid:pk>/dismiss": thing(lead, bodies={"post": {"reason": "Spam"}}),
    "leads/<uuid:pk>/convert": thing(
        lead, bodies={"post": {"service": "{service}", "starts_at": NEW_TIME}}
    ),
    "customers": listing(customer, company_wide=True),
    "customers/<uuid:pk>": thing(
        customer, company_wide=True, bodies={"patch": {"name": "Ada"}}
    ),
    "customers/<uuid:pk>/properties": thing(
        customer,
        company_wide=True,
        bodies={"post": {"line1": "1 Main St", "postal_code": "85004"}},
    ),
    # technicians
    "skills": listing(skill, company_wide=True),
    "technicians": listing(crew_member),
    "technicians/<uuid:pk>": thing(crew_member, bodies={"patch": {"name": "Al"}}),
    "technicians/<uuid:pk>/deactivate": thing(crew_member),
    "technicians/<uuid:pk>/reactivate": thing(crew_member),
    "technicians/<uuid:pk>/skills": thing(crew_member, bodies={"put": {"skills": []}}),
    "technicians/<uuid:pk>/shifts": thing(crew_member, bodies={"put": {"shifts": []}}),
    "technicians/<uuid:pk>/exceptions": thing(
        crew_member, bodies={"post": {"date": TOMORROW.isoformat()}}
    ),
    "technicians/<uuid:pk>/exceptions/<uuid:exception_id>": thing(day_off),
    "technicians/<uuid:pk>/time-off": thing(
        crew_member,
        bodies={"post": {"starts_at": NEW_TIME, "ends_at": NEW_TIME[:10] + "T23:00"}},
    ),
    "technicians/<uuid:pk>/time-off/<uuid:time_off_id>": thing(time_off),
    "technicians/<uuid:pk>/schedule": thing(crew_member),
    # appointments
    "availability": nothing(),
    "availability/explain": nothing(),
    "dashboard": nothing(),
    "integrations/report": nothing(),
    "integrations/links": listing(link),
    "services": listing(service, company_wide=True),
    "services/<uuid:pk>": thing(service, company_wide=True),
    "caps": listing(cap),
    "caps/<uuid:pk>": thing(cap, bodies={"patch": {"most": 3}}),
    "customers/<uuid:pk>/technician-preferences": thing(
        preference,
        company_wide=True,
        bodies={"put": {"technician": "{technician}", "kind": "barred"}},
    ),
    "customers/<uuid:pk>/technician-preferences/<uuid:technician_id>": thing(
        preference, company_wide=True
    ),
    "appointments": listing(visit),
    "appointments/swap": nothing(),
    "appointments/<uuid:pk>": thing(visit, bodies={"patch": {"notes": "Gate 7"}}),
    "holds": nothing(),
    # The token opens it, whoever asks.
    "holds/<uuid:pk>": thing(
        hold, company_wide=True, headers={"X-Hold-Token": "{token}"}
    ),
    "deposits": listing(deposit),
    "deposits/<uuid:pk>": thing(
        deposit, company_wide=True, headers={"X-Hold-Token": "{token}"}
    ),
    "deposits/<uuid:pk>/refund": thing(deposit, bodies={"post": {"reason": "Rain"}}),
    "appointments/<uuid:pk>/approve": thing(request),
    "appointments/<uuid:pk>/decline": thing(
        request, bodies={"post": {"reason": "Too far"}}
    ),
    "appointments/<uuid:pk>/assign": thing(
        visit, bodies={"post": {"technician": "{technician}"}}
    ),
    "appointments/<uuid:pk>/cancel": thing(visit, bodies={"post": {"reason": "Rain"}}),
    "appointments/<uuid:pk>/history": thing(visit),
    "appointments/<uuid:pk>/reschedule": thing(
        visit, bodies={"post": {"starts_at": NEW_TIME}}
    ),
    "appointments/<uuid:pk>/status": thing(
        visit, bodies={"post": {"status": "dispatched"}}
    ),
    "appointments/<uuid:pk>/unassign": thing(visit),
    "maintenance-plans": listing(plan),
    "maintenance-plans/<uuid:pk>": thing(plan, bodies={"patch": {"notes": "Gate 7"}}),
    "maintenance-plans/<uuid:pk>/pause": thing(plan),
    "maintenance-plans/<uuid:pk>/resume": thing(plan),
    "maintenance-plans/<uuid:pk>/end": thing(plan),
    "maintenance-plans/<uuid:pk>/occurrences": thing(plan),
    "maintenance-plans/<uuid:pk>/occurrences/<uuid:occurrence_id>/book": thing(
        occurrence, bodies={"post": {"starts_at": NEW_TIME}}
    ),
    "maintenance-plans/<uuid:pk>/occurrences/<uuid:occurrence_id>/skip": thing(
        occurrence
    ),
    "maintenance-plans/<uuid:pk>/occurrences/<uuid:occurrence_id>/retry": thing(
        occurrence
    ),
    # notifications
    "notifications": listing(message),
    "notifications/<uuid:pk>": thing(message),
    "replies": listing(reply, company_wide=True),
    "replies/<uuid:pk>": thing(reply, company_wide=True),
    "replies/<uuid:pk>/handle": thing(reply, company_wide=True),
    # integrations
    "webhook-endpoints": listing(endpoint),
    "webhook-endpoints/<uuid:pk>": thing(
        endpoint, bodies={"patch": {"description": "The CRM"}}
    ),
    "webhook-endpoints/<uuid:pk>/test": thing(endpoint),
    "webhook-endpoints/<uuid:pk>/rotate-secret": thing(endpoint),
    "integrations/connections": listing(connection),
    "integrations/connections/vendors": nothing(),
    "integrations/connections/<uuid:pk>": thing(
        connection, bodies={"patch": {"name": "The CRM of {pk}"}}
    ),
    "integrations/connections/<uuid:pk>/test": thing(connection),
    "integrations/connections/<uuid:pk>/pause": thing(connection),
    "integrations/connections/<uuid:pk>/resume": thing(connection),
    "integrations/connections/<uuid:pk>/reauthorise": thing(connection),
    "integrations/connections/<uuid:pk>/rotate-secret": thing(connection),
    "integrations/connections/<uuid:pk>/rotate-token": thing(connection),
    "integrations/connections/<uuid:pk>/mappings": thing(
        connection, bodies={"put": {"mappings": []}}
    ),
    "deliveries": listing(delivery),
    "webhooks/<slug:vendor>/<str:token>": thing(callback_url, company_wide=True),
    "integrations/conflicts": listing(conflict),
    "integrations/conflicts/<int:pk>": thing(conflict),
    "integrations/conflicts/<int:pk>/resolve": thing(
        conflict, bodies={"post": {"keep": "ours"}}
    ),
    "integrations/inbox": listing(callback),
    "integrations/inbox/replay": nothing(),
    "integrations/inbox/<str:pk>": thing(callback),
    "integrations/inbox/<str:pk>/replay": thing(callback),
    "deliveries/replay": nothing(),
    "deliveries/<uuid:key>": thing(delivery),
    "deliveries/<uuid:key>/replay": thing(delivery),
}
