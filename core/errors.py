"""What can go wrong in the domain; `core.api.problems` gives each kind its status.

DomainError
├── Invalid                 400  the form is wrong, field by field
├── Unauthenticated         401  who are you?
├── Forbidden               403
├── NotFound                404  is not there, or not for you
├── Conflict                409  clashes with the present state
├── Gone                    410  was there, and its time has passed
├── VersionConflict         412  somebody changed it since you read it
├── Rejected                422  breaks a rule in any state
├── PreconditionRequired    428
├── TooMany                 429  less of it, or later
└── Unavailable             503  something we lean on is away; try again
"""

from typing import Any, ClassVar, TypedDict


class FieldError(TypedDict):
    """One fault of a form; `pointer` is a JSON pointer into the body (RFC 6901)."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A rule said no. `extra` goes into the answer beside the standard members."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "The request cannot be served"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.extra = extra


class Invalid(DomainError):
    """The form is wrong."""

    code = "invalid"
    title = "The request is not valid"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"{len(errors)} field(s) failed validation.", errors=errors)


class Unauthenticated(DomainError):
    """What the caller showed does not prove who they are."""

    code = "unauthenticated"
    title = "Who are you?"


class Forbidden(DomainError):
    """The caller may see it, but not do this with it."""

    code = "forbidden"
    title = "Not allowed"


class NotFound(DomainError):
    """It is not there, or outside what the caller may see: the same answer."""

    code = "not_found"
    title = "Not found"


class Conflict(DomainError):
    """It clashes with the present state; another try may work."""

    code = "conflict"
    title = "Conflicts with the present state"


class Gone(DomainError):
    """Its time has passed."""

    code = "gone"
    title = "No longer available"


class VersionConflict(DomainError):
    """Somebody changed it since the caller read it; `current` shows it as it is."""

    code = "version_conflict"
    title = "Changed in the meantime"


class Rejected(DomainError):
    """It breaks a rule, whatever the state."""

    code = "rejected"
    title = "Breaks a rule"


class PreconditionRequired(DomainError):
    """A header that makes the call safe is missing."""

    code = "precondition_required"
    title = "A precondition is required"


class TooMany(DomainError):
    """The caller has had as much as one may; `retry_after` seconds, and it is less."""

    code = "too_many"
    title = "Too much at once"

    def __init__(self, detail: str = "", *, retry_after: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Something we lean on is away; nothing was changed."""

    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
