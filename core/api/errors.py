"""What can be wrong with a request before any rule of the trade is asked."""

from core.errors import DomainError


class Malformed(DomainError):
    """The request cannot be read."""

    code = "malformed"
    title = "The request cannot be read"


class InvalidCursor(Malformed):
    """The page's cursor is not one that this list gave out."""

    code = "invalid_cursor"
    title = "Not a cursor of this list"


class InvalidPrecondition(Malformed):
    """`If-Match` holds something else than one version."""

    code = "invalid_precondition"
    title = "Not a version"


class IdempotencyKeyInvalid(Malformed):
    """`Idempotency-Key` is not 1 to 255 printable ASCII characters."""

    code = "idempotency_key_invalid"
    title = "Not an idempotency key"


class IdempotencyKeyRequired(Malformed):
    """A machine client must send `Idempotency-Key`, so that it can safely retry."""

    code = "idempotency_key_required"
    title = "An idempotency key is required"


class TooLarge(DomainError):
    """The body is larger than we read."""

    code = "too_large"
    title = "The body is too large"
