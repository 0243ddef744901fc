"""What a connection to ServiceTitan asks for, and the mapping that it begins with.

What the vendor does not publish, or publishes to partners only, is a question with a
default: docs/connectors.md lists it.
"""

from integrations.connectors import origins
from integrations.connectors.port import MappedField, Question

API, AUTH = "api", "auth"
HOSTS = {
    API: "https://api.servicetitan.io",
    AUTH: "https://auth.servicetitan.io",
}
TRUSTED = frozenset(
    {
        "api.servicetitan.io",
        "auth.servicetitan.io",
        "api-integration.servicetitan.io",
        "auth-integration.servicetitan.io",
    }
)

QUESTIONS = (
    Question(name="client_id", label="Client id", is_secret=True),
    Question(name="client_secret", label="Client secret", is_secret=True),
    Question(name="app_key", label="App key", is_secret=True),
    Question(name="tenant_id", label="Tenant id"),
    Question(
        name="app_guid",
        label="Application GUID",
        help="Under it our references are kept at customers and jobs: by them we find "
        "again what was created when an answer got lost.",
    ),
    Question(
        name="external_key",
        label="Name of our reference there",
        default="fieldbook_ref",
        is_required=False,
    ),
    Question(
        name="booking_provider_id",
        label="Booking provider id",
        is_required=False,
        help="Leads become bookings of this provider. Without it leads are not sent.",
    ),
    Question(
        name="booking_source",
        label="Source of bookings",
        default="Fieldbook",
        is_required=False,
    ),
    Question(
        name="business_unit_id",
        label="Business unit",
        is_required=False,
        help="For branches that the mapping of `location` does not name.",
    ),
    Question(
        name="job_type_id",
        label="Job type",
        is_required=False,
        help="For services that the mapping of `service` does not name.",
    ),
    Question(
        name="campaign_id",
        label="Campaign",
        is_required=False,
        help="For sources that the mapping of `source` does not name.",
    ),
    Question(
        name="cancel_reason_id", label="Reason of cancelled jobs", is_required=False
    ),
    Question(
        name="no_show_reason_id",
        label="Reason of jobs where nobody was at home",
        is_required=False,
    ),
    Question(
        name="confirm_visits",
        label="Confirm each appointment (yes or no)",
        default="no",
        is_required=False,
    ),
    Question(
        name="poll_from",
        label="First day to read changes of (YYYY-MM-DD)",
        is_required=False,
        help="Empty: yesterday.",
    ),
    Question(
        name="token_scheme",
        label="Word before the access token",
        default="Bearer",
        is_required=False,
        help="Not confirmed by the vendor's public pages.",
    ),
    Question(
        name="token_seconds",
        label="Life of a token that does not say",
        default="900",
        is_required=False,
        help="Not confirmed by the vendor's public pages.",
    ),
    Question(
        name="webhook_header",
        label="Header that holds a webhook's signature",
        default="X-ServiceTitan-Signature",
        is_required=False,
        help="Not confirmed by the vendor's public pages.",
    ),
    Question(
        name="webhook_encoding",
        label="How the signature is written (hex, base64 or either)",
        default="either",
        is_required=False,
        help="Not confirmed by the vendor's public pages.",
    ),
    Question(
        name="webhook_unsigned",
        label="Take webhooks that are not signed (yes or no)",
        default="no",
        is_required=False,
        help="The key is optional there. Whatever a webhook says, the thing is read.",
    ),
    Question(
        name="webhook_id_path",
        label="Path of the id in a webhook's body",
        default="id",
        is_required=False,
        help="The envelope is not public. Whatever it says, the thing is read anew.",
    ),
    Question(
        name="webhook_events",
        label="Webhook events, as name=thing, separated by commas",
        is_required=False,
        help="For names that do not contain appointment, job, customer or booking.",
    ),
    *origins.QUESTIONS,
)

_ADDRESS = {
    "line1": "address.street",
    "line2": "address.unit",
    "city": "address.city",
    "region": "address.state",
    "postal_code": "address.zip",
    "country": "address.country",
}
_PRIORITIES = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent"}
# They move a visit on in their own apps: nobody else may set these.
_NOT_TOLD = dict.fromkeys(("dispatched", "en_route", "on_site", "paused", "incomplete"))
_STATUSES = {
    "scheduled": "Scheduled",
    "cancelled": "Canceled",
    "no_show": "Canceled",
    "completed": "Done",
}


def _out(kind: str, fields: dict[str, str]) -> tuple[MappedField, ...]:
    return tuple(
        MappedField(kind=kind, field=field, remote=remote, direction="out")
        for field, remote in fields.items()
    )


MAPPING = (
    # Leads become bookings.
    MappedField(kind="lead", field="name", remote="name"),
    MappedField(kind="lead", field="phone", remote="contacts.MobilePhone"),
    MappedField(kind="lead", field="email", remote="contacts.Email"),
    MappedField(kind="lead", field="summary", remote="summary"),
    MappedField(
        kind="lead",
        field="urgency",
        remote="priority",
        direction="out",
        choices=_PRIORITIES,
    ),
    MappedField(
        kind="lead", field="status", remote="status", direction="in", winner="theirs"
    ),
    *_out(
        "lead",
        {
            **_ADDRESS,
            "service": "jobTypeId",
            "location": "businessUnitId",
            "is_new_customer": "isFirstTimeClient",
        },
    ),
    # Customers: the office keeps their names there.
    MappedField(kind="customer", field="name", remote="name", winner="theirs"),
    MappedField(kind="customer", field="phone", remote="contacts.MobilePhone"),
    MappedField(kind="customer", field="email", remote="contacts.Email"),
    *_out("customer", _ADDRESS),
    # Service addresses become locations.
    *_out("property", {"name": "name", **_ADDRESS}),
    # Visits become a job with its first appointment.
    MappedField(
        kind="appointment",
        field="window_starts_at",
        remote="appointment.arrivalWindowStart",
        winner="newest",
    ),
    MappedField(
        kind="appointment",
        field="work_minutes",
        remote="appointment.minutes",
        direction="in",
        winner="newest",
    ),
    *_out(
        "appointment",
        {
            "window_ends_at": "appointment.arrivalWindowEnd",
            "starts_at": "appointment.start",
            "ends_at": "appointment.end",
            "service": "jobTypeId",
            "location": "businessUnitId",
            "source": "campaignId",
            "summary": "summary",
        },
    ),
    MappedField(
        kind="appointment",
        field="technicians",
        remote="appointment.technicianIds",
        winner="newest",
    ),
    MappedField(
        kind="appointment",
        field="status",
        remote="status",
        winner="theirs",
        choices={**_STATUSES, **_NOT_TOLD},
    ),
    MappedField(
        kind="appointment",
        field="urgency",
        remote="priority",
        direction="out",
        choices=_PRIORITIES,
    ),
)

# No call changes these on a job, a location or a customer that is there.
ONLY_AT_CREATION = {
    "appointment": frozenset({"summary", "service", "location", "source", "urgency"}),
    "customer": frozenset(_ADDRESS),
    "property": frozenset({"name", *_ADDRESS}),
}
