"""The port: what a connector can be asked, and what it is given to do it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from integrations.rules.refusals import CallFailed
from integrations.rules.things import Inbound, Page, Remote, Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 2xx of a vendor. `json` is None where the body is empty."""

    status: int
    json: Any
    headers: Mapping[str, str]


class Caller(Protocol):
    """Calls one connection's vendor: paced, guarded by a breaker, timed and logged."""

    settings: Mapping[str, Any]
    """What may be seen of the connection: tenant, list, ..."""
    credentials: Mapping[str, str]

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        host: str = "",
        may_repeat: bool = False,
    ) -> Answer:
        """Call `path` at the vendor's API, or at another of its hosts.

        `may_repeat` tells that doing it twice is as good as once (GET, PUT and DELETE
        always are): then a missing answer counts as `Busy`.

        Raises:
            CallFailed: see `integrations.rules.refusals`.
        """

    def remember(self, key: str, value: str, *, seconds: float) -> None:
        """Keep something for a while, such as an access token (never in clear).

        An empty `value` forgets what was kept, unless somebody has renewed it since
        this caller recalled it.
        """

    def recall(self, key: str) -> str | None:
        """Return what was kept, if it still holds.

        While `authorise` runs, None means: renew it, nobody else does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a thing at the vendor: ids by remote type, and the agreed state.

    `parents` has the same for the thing's parents, by their kind.
    """

    ids: Mapping[str, str] = filled(default_factory=dict)
    agreed: Mapping[str, Any] = filled(default_factory=dict)
    parents: Mapping[str, "Known"] = filled(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """One row of the mapping that a new connection begins with."""

    kind: str
    field: str
    remote: str
    direction: str = "both"
    winner: str = "ours"
    choices: Mapping[str, Any] = filled(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A setting or credential that a connection of this vendor needs."""

    name: str
    label: str
    is_secret: bool = False
    is_required: bool = True
    default: str = ""
    help: str = ""


class Connector(Protocol):
    """A vendor. It keeps no state; all that it needs is handed in.

    What it does not do (Stripe keeps no customers of ours) it leaves out of `kinds`
    and `feeds`.
    """

    vendor: str
    hosts: Mapping[str, str]
    """Base URLs by name: "api" at least; `{name}` in one is filled from the settings.
    A connection's `settings["hosts"]` overrides them."""
    trusted_hosts: frozenset[str]
    """Names, or `*.` and a domain: in production nothing else is called."""
    questions: tuple[Question, ...]
    calls_per_second: float
    """Our pace: about 80 % of what the vendor allows."""
    kinds: frozenset[str]
    """Kinds of things that it is told of."""
    feeds: tuple[str, ...]
    """What it can be polled for."""
    poll_every: timedelta
    mapping: tuple[MappedField, ...]
    finds_first: frozenset[str]
    """Kinds that may be there already, such as customers: search before each create."""

    def authorise(self, call: Caller) -> Mapping[str, str]:
        """Return the headers that prove who we are; may fetch and keep a token."""

    def forget_token(self, call: Caller) -> None:
        """Drop a kept token: the vendor has refused it."""

    def check(self, call: Caller) -> str:
        """Try the connection out without changing anything; say what was found."""

    def failure_of(self, status: int, body: Any) -> tuple[str, str]:
        """Return code and sentence of an error answer, in whatever shape it came."""

    def find(self, call: Caller, thing: Thing, known: Known) -> Remote | None:
        """Look whether the vendor has the thing, by our reference or who it is."""

    def create(
        self, call: Caller, thing: Thing, known: Known, body: Mapping[str, Any]
    ) -> Remote:
        """Create the thing there. `body` holds its fields at their mapped paths."""

    def update(
        self,
        call: Caller,
        thing: Thing,
        known: Known,
        body: Mapping[str, Any],
        changed: frozenset[str],
    ) -> Remote | None:
        """Tell what changed, by our field names; doing it twice is as good as once."""

    def fetch(self, call: Caller, remote_type: str, remote_id: str) -> Remote | None:
        """Read one of theirs as it stands now; None where there is none."""

    def poll(self, call: Caller, feed: str, cursor: str) -> Page:
        """Read on in a feed."""

    def read(self, call: Caller, event: Inbound) -> list[Remote]:
        """Tell what a callback is about; may fetch the thing. Nothing for us: []."""


@runtime_checkable
class Judge(Protocol):
    """A connector whose vendor means something of its own by a status."""

    def kind_of(self, status: int, body: Any) -> type[CallFailed] | None:
        """Return what an error answer is; None leaves it to what all mean by it."""


@runtime_checkable
class Settling(Protocol):
    """A connector whose vendor takes some fields with a new thing, and never after."""

    only_at_creation: Mapping[str, frozenset[str]]
    """Our field names, by the kind of the thing."""


def only_at_creation(connector: Connector, kind: str) -> frozenset[str]:
    """Return the fields that a thing which is there cannot be told of."""
    if not isinstance(connector, Settling):
        return frozenset()
    return connector.only_at_creation.get(kind, frozenset())


@runtime_checkable
class Originating(Protocol):
    """A connector whose vendor's own people make visits there.

    It asks `integrations.connectors.origins.QUESTIONS`.
    """

    def whole(self, call: Caller, remote: Remote) -> Remote | None:
        """Read a visit that was made there, with its customer and address as `parents`.

        Besides what `fetch` tells: `service` and `location` in the vendor's words (the
        id of a job type and of a business unit; else a name), and `summary`. A lead
        that became the visit there is a parent too, by its id alone. None: it is gone,
        or has no time yet.
        """


@runtime_checkable
class Timekeeper(Protocol):
    """A connector whose vendor names a wait in the body rather than in a header."""

    def retry_after_of(self, status: int, body: Any) -> float | None:
        """Return the seconds to wait, if the body names them."""


@runtime_checkable
class Sharing(Protocol):
    """A connector whose vendor may have one thing for two of ours."""

    shared: frozenset[str]
    """Kinds of ours, such as customers of a household with one e-mail."""


def may_be_shared(connector: Connector, kind: str) -> bool:
    """Tell whether two things of that kind may be one at the vendor."""
    return isinstance(connector, Sharing) and kind in connector.shared
