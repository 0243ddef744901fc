"""A way to the page of what a link or a conflict is about."""

from django.urls import reverse
from django.utils.safestring import SafeString

from core.admin.display import link
from integrations.models import ExternalLink, SyncConflict

_PAGES = {
    "appointment": ("Visit", "admin:appointments_appointment_change"),
    "lead": ("Lead", "admin:leads_lead_change"),
    "customer": ("Customer", "admin:leads_customer_change"),
    "property": ("Property", ""),
    "technician": ("Technician", "admin:technicians_technician_change"),
}


# With `subject`, of integrations.selectors.subjects.
About = ExternalLink | SyncConflict


def subject_text(row: About) -> str:
    """Return what it is about, as Visit BK-4821."""
    word, _ = _PAGES.get(row.object_type, (row.object_type.capitalize(), ""))
    return f"{word} {_subject(row) or row.object_id}"


def subject_link(row: About) -> SafeString | str:
    """Return the same as a link; plain text where there is nothing (any more)."""
    _, page = _PAGES.get(row.object_type, ("", ""))
    if not page or not _subject(row):
        return subject_text(row)
    return link(reverse(page, args=[row.object_id]), subject_text(row))


def _subject(row: About) -> str:
    return getattr(row, "subject", "")
