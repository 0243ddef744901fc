"""How a call to a vendor can fail, and whether it may be repeated.

CallFailed
├── NotSent       nothing left the house: no connection, no budget, the breaker is open
├── NoAnswer      it may have been done: the answer is missing, or makes no sense
├── Busy          they said: later (429, 5xx)
├── NotAllowed    they refuse our credentials (401, 403)
└── Refused       they understood, and will never do it as it is (other 4xx)
    └── NotYet    they need not be told now: a later change brings it
"""

from datetime import timedelta


class CallFailed(Exception):
    """A call to a vendor came to nothing; the text says why, without secrets."""

    def __init__(
        self,
        said: str,
        *,
        status: int | None = None,
        retry_after: timedelta | None = None,
        code: str = "",
        excerpt: str = "",
    ) -> None:
        super().__init__(said)
        self.status = status
        self.retry_after = retry_after
        self.code = code
        """The vendor's own code, where it gave one."""
        self.excerpt = excerpt


class NotSent(CallFailed):
    """Nothing left the house."""


class Postponed(NotSent):
    """We hold back by ourselves: the breaker is open, or the pace would be too fast.

    It uses up no try; `retry_after` says when to ask again.
    """


class NoAnswer(CallFailed):
    """It may have been done: search before you repeat it."""


class Busy(CallFailed):
    """They said: later."""


class NotAllowed(CallFailed):
    """They refuse our credentials: a person has to look."""


class Refused(CallFailed):
    """They will never do it as it is."""


class NotYet(Refused):
    """They cannot be told now, and need not be: a later change brings it."""
