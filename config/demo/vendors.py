"""The demo's connections: to the vendors of the sandbox world on this machine."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from core.actors import SYSTEM
from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    PollCursor,
    SyncConflict,
)
from integrations.sandbox import mailchimp, servicetitan, stripe, twilio
from integrations.services.connections import (
    ConnectionForm,
    create_connection,
    inbound_path,
)
from technicians.models import Technician

# What is done in the vendors' own apps before anybody calls: (act, its arguments).
Acts = dict[str, list[tuple[str, dict[str, Any]]]]

_NAME = "{} (sandbox)"


@transaction.atomic
def connect_vendors(*, now: datetime) -> Acts:
    """Connect the sandbox's vendors, where vendors may be on this machine.

    The sandbox forgets everything when it stops, and begins to count anew. So what a
    connection knows of it, and what it has said, is forgotten here too: else the same
    would be no news. What people changed of the connection stays.
    """
    if not settings.VENDORS_MAY_BE_ANYWHERE:
        return {}
    connections = {
        form.vendor: _connected(form, now=now) for form in (*_forms(), _texts())
    }
    for forgotten in (ExternalLink, InboundEvent, PollCursor, SyncConflict):
        forgotten.objects.filter(connection__in=connections.values()).delete()
    acts: Acts = {
        vendor: [("set_webhook", _webhook(connection))]
        for vendor, connection in connections.items()
    }
    acts["servicetitan"] += [
        ("add_technician", {"name": name, "email": email}) for name, email in _crew()
    ]
    return acts


def write_acts(acts: Acts, file: Path) -> None:
    """Leave word for `manage.py sandbox --acts`; it holds secrets of the sandbox."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(acts))


def _connected(form: ConnectionForm, *, now: datetime) -> Connection:
    known = Connection.objects.filter(vendor=form.vendor, name=form.name).first()
    if known is None:
        return create_connection(form=form, actor=SYSTEM, now=now)
    # The sandbox may be on another port today.
    known.settings["hosts"] = form.settings["hosts"]
    known.save(update_fields=["settings"])
    return known


def _crm() -> ConnectionForm:
    office = servicetitan.ServiceTitan().state()
    return ConnectionForm(
        vendor="servicetitan",
        name=_NAME.format("ServiceTitan"),
        settings={
            "hosts": _hosts("servicetitan", "api", "auth"),
            "tenant_id": str(servicetitan.TENANT),
            "app_guid": "3f2c9a54-6f0a-4b62-9f6f-2f4b8f5f9e10",
            "booking_provider_id": "1",
            "business_unit_id": str(office["business_units"][0]["id"]),
            "job_type_id": str(office["job_types"][0]["id"]),
            "campaign_id": str(office["campaigns"][0]["id"]),
            "cancel_reason_id": str(office["cancel_reasons"][0]["id"]),
            "no_show_reason_id": str(office["cancel_reasons"][1]["id"]),
            "default_service": "no-cool-diagnostic",
        },
        credentials={
            "client_id": servicetitan.CLIENT_ID,
            "client_secret": servicetitan.CLIENT_SECRET,
            "app_key": servicetitan.APP_KEY,
        },
    )


def _forms() -> list[ConnectionForm]:
    return [
        _crm(),
        ConnectionForm(
            vendor="mailchimp",
            name=_NAME.format("Newsletter"),
            settings={
                "hosts": _hosts("mailchimp", "api"),
                "dc": "us21",
                "list_id": mailchimp.LIST,
            },
            credentials={"api_key": mailchimp.KEY},
        ),
        ConnectionForm(
            vendor="stripe",
            name=_NAME.format("Deposits"),
            settings={"hosts": _hosts("stripe", "api")},
            credentials={"secret_key": stripe.KEY},
        ),
    ]


def _texts() -> ConnectionForm:
    return ConnectionForm(
        vendor="twilio",
        name=_NAME.format("Texts"),
        settings={
            "hosts": _hosts("twilio", "api", "lookups"),
            "account_sid": twilio.ACCOUNT,
            "from_number": twilio.NUMBER,
        },
        credentials={"auth_token": twilio.KEY},
        inbound_secret=twilio.KEY,
    )


def _hosts(vendor: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, f"{settings.SANDBOX_URL}/{vendor}")


def _webhook(connection: Connection) -> dict[str, str]:
    """Return where the vendor calls us, and what it signs by, where we choose that."""
    given = {"url": settings.PUBLIC_BASE_URL + inbound_path(connection)}
    if connection.vendor in {"servicetitan", "stripe"}:
        given["secret"] = connection.inbound_secret
    return given


def _crew() -> list[tuple[str, str]]:
    """Return the technicians whom the vendor knows by the same e-mail."""
    crew = Technician.objects.filter(is_active=True).order_by("name")
    return [(one.name, one.email) for one in crew.exclude(email="")]
