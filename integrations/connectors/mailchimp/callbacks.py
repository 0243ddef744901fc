"""What Mailchimp tells us by itself; see the package for why it is read again."""

from urllib.parse import parse_qs

from integrations.connectors.mailchimp import members
from integrations.connectors.port import Caller
from integrations.rules.things import Inbound, Remote

_ABOUT_A_MEMBER = frozenset(
    {"subscribe", "unsubscribe", "cleaned", "profile", "upemail"}
)
UNSUBSCRIBED = "unsubscribe"


def read(call: Caller, event: Inbound) -> list[Remote]:
    """Return the member that a callback is about, as it stands there now.

    A member that is gone can only be believed to want nothing more: of all that can be
    forged, a no is the one thing that is safe.
    """
    said = _form(event.body)
    kind = said.get("type", "")
    email = (said.get("data[new_email]") or said.get("data[email]") or "").lower()
    is_ours = said.get("data[list_id]", "") == call.settings["list_id"]
    if kind not in _ABOUT_A_MEMBER or not email or not is_ours:
        return []
    member = members.read_by_email(call, email, kind="customer")
    if member is not None:
        return [member]
    return [_gone(email, event)] if kind == UNSUBSCRIBED else []


def _gone(email: str, event: Inbound) -> Remote:
    return Remote(
        kind="member",
        remote_type="member",
        remote_id="",
        fields={"email": email, "status": "unsubscribed", "reason": "deleted there"},
        changed_at=event.occurred_at,
        is_gone=True,
    )


def _form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, the first of each name."""
    fields = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=200)
    return {name: values[0].strip() for name, values in fields.items()}
