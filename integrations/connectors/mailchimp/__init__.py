"""Mailchimp Marketing: customers and leads as members of one audience.

Advertising needs consent, and there are two places where people give and take it: with
us, and in each letter of Mailchimp. So a member is created as `subscribed` only where
the newest word recorded for that very address is a yes, else as `transactional` (known,
gets no campaigns). After that nothing here ever subscribes anybody again, except that
`confirm_known_contacts` lets Mailchimp ask the person. An unsubscribe there is taken
in as a no (`integrations.services.sync`), and a no of ours unsubscribes there.

A callback proves nothing: whoever learns the URL can forge one. What it is about is
read again through the API before anything follows from it.

Not verified with the vendor: that a bare 403 without JSON means "too many at once" (it
is then tried again); that `contact_id` does for the hash of the address in a path
(setting `address_members_by`). Mailchimp allows ten connections at once, whatever the
rate: the pace below is chosen for that.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.connectors.mailchimp import callbacks, members
from integrations.connectors.mailchimp.mapping import MAPPING
from integrations.connectors.mailchimp.questions import QUESTIONS
from integrations.connectors.port import Caller, Known
from integrations.rules.refusals import Busy, CallFailed, Refused
from integrations.rules.things import Inbound, Page, Remote, Thing

_FORBIDDEN = 403
_NOT_FOUND = 404


class Mailchimp:
    """The connector of one audience."""

    vendor = "mailchimp"
    hosts: Mapping[str, str] = {"api": "https://{dc}.api.mailchimp.com"}
    trusted_hosts = frozenset({"*.api.mailchimp.com"})
    questions = QUESTIONS
    calls_per_second = 5.0
    kinds = frozenset({"customer", "lead"})
    feeds = ("members",)
    poll_every = timedelta(minutes=10)
    mapping = MAPPING
    # PUT by address creates or finds, whichever it takes.
    finds_first: frozenset[str] = frozenset()
    # A household with one e-mail is one member, told of by whoever was listed first.
    shared = frozenset({"customer", "lead"})

    def authorise(self, call: Caller) -> Mapping[str, str]:
        key = call.credentials.get("api_key", "")
        if call.settings.get("key_type") == "oauth":
            return {"Authorization": f"Bearer {key}"}
        proof = b64encode(f"fieldbook:{key}".encode()).decode()
        return {"Authorization": f"Basic {proof}"}

    def forget_token(self, call: Caller) -> None:
        """Do nothing: a key is not renewed."""

    def check(self, call: Caller) -> str:
        found = call("GET", members.path_of(call), params={"fields": "name,stats"}).json
        stats = found.get("stats") or {}
        return f"Audience {found.get('name')}: {stats.get('member_count', 0)} members."

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        """Read a problem document; its title is the nearest thing to a code."""
        if not isinstance(body, Mapping):
            return "", ""
        title, detail = str(body.get("title") or ""), str(body.get("detail") or "")
        fields = [
            f"{each.get('field')}: {each.get('message')}"
            for each in body.get("errors") or []
            if isinstance(each, Mapping)
        ]
        return title, "; ".join(filter(None, [title, detail, *fields]))

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        """Tell apart what Mailchimp means by 403."""
        if status != _FORBIDDEN:
            return None
        if not isinstance(body, Mapping):
            return Busy  # its way of saying "too many at once"
        if "compliance" in str(body.get("title", "")).casefold():
            return Refused  # about this member, not about our key
        return None

    def find(self, call: Caller, thing: Thing, known: Known) -> Remote | None:
        email = str(thing.fields.get("email") or "")
        return members.read_by_email(call, email, kind=thing.kind) if email else None

    def create(
        self, call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
    ) -> Remote:
        return members.upsert(call, thing, body)

    def update(
        self,
        call: Caller,
        thing: Thing,
        known: Known,
        body: Mapping[str, Any],
        changed: frozenset[str],
    ) -> Remote | None:
        member_id = known.ids[members.remote_type_of(thing.kind)]
        if "email" in changed:
            members.refuse_to_carry_over(call, thing, member_id)
        try:
            return members.change(call, thing, known, body, changed)
        except Refused as refusal:
            if refusal.status != _NOT_FOUND:
                raise
        return members.upsert(call, thing, body)  # somebody deleted it there

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        kind = members.kind_of_type(remote_type)
        return members.read(call, remote_id, kind=kind) if kind else None

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        return members.changed_since(call, cursor)

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        return callbacks.read(call, event)
