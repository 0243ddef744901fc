"""Which of our fields is which of theirs, to begin with; what is not here stays home.

`choices` of None are not told: Housecall lets nobody set that status.
"""

from integrations.connectors.port import MappedField

_NOT_SETTABLE = (
    *("held", "requested", "dispatched", "en_route", "on_site", "paused"),
    *("completed", "incomplete"),
)
STATUS_CHOICES = {
    "scheduled": "scheduled",
    "cancelled": "cancelled",
    "no_show": "no_show",
    **dict.fromkeys(_NOT_SETTABLE),
}

# Names go out only: ours are never overwritten.
_NAMES = (("first_name", "first_name"), ("last_name", "last_name"))
_CONTACTS = (("email", "email"), ("phone", "mobile_number"))
_ADDRESS = (
    *(("line1", "street"), ("line2", "street_line_2"), ("city", "city")),
    *(("region", "state"), ("postal_code", "zip"), ("country", "country")),
)
_LEAD = (
    *((field, f"customer.{remote}") for field, remote in (*_NAMES, *_CONTACTS)),
    *((field, f"address.{remote}") for field, remote in _ADDRESS),
    *(("summary", "note"), ("source", "lead_source"), ("service", "tags.service")),
)
_JOB_OUT = (
    ("window_ends_at", "schedule.window_ends_at"),
    ("ends_at", "schedule.scheduled_end"),
    ("service_name", "line_item.name"),
    ("price_cents", "line_item.unit_price"),
    ("notes", "notes"),
    ("source", "lead_source"),
)
# Ids of theirs: nothing is told, or understood, until somebody completes the choices.
_JOB_FIELDS = (("service", "job_type_id"), ("location", "business_unit_id"))


def _out(kind: str, rows: tuple[tuple[str, str], ...]) -> list[MappedField]:
    return [
        MappedField(kind=kind, field=field, remote=remote, direction="out")
        for field, remote in rows
    ]


MAPPING = (
    MappedField(kind="customer", field="email", remote="email"),
    MappedField(kind="customer", field="phone", remote="mobile_number"),
    *_out("customer", (*_NAMES, ("notes", "notes"))),
    *_out("property", _ADDRESS),
    *_out("lead", _LEAD),
    MappedField(kind="lead", field="status", remote="status", direction="in"),
    MappedField(
        kind="appointment",
        field="window_starts_at",
        remote="schedule.scheduled_start",
        winner="newest",
    ),
    MappedField(
        kind="appointment",
        field="technicians",
        remote="assigned_employee_ids",
        winner="newest",
    ),
    MappedField(
        kind="appointment",
        field="status",
        remote="work_status",
        winner="theirs",
        choices=STATUS_CHOICES,
    ),
    *_out("appointment", _JOB_OUT),
    *(
        MappedField(
            kind="appointment",
            field=field,
            remote=f"job_fields.{remote}",
            direction="out",
            choices={"*": None},
        )
        for field, remote in _JOB_FIELDS
    ),
)

# Ours by theirs: to know what a blank of a customer stands for.
CUSTOMER_FIELDS = {
    remote: field for field, remote in (*_NAMES, *_CONTACTS, ("notes", "notes"))
}

# Addresses and leads cannot be changed there, nor what a job was made with.
ONLY_AT_CREATION = {
    "property": frozenset(field for field, _ in _ADDRESS),
    "lead": frozenset(field for field, _ in _LEAD),
    "appointment": frozenset(
        {"service_name", "price_cents", "source", "service", "location"}
    ),
}
