"""Deposits: asked for while a slot is held, and turned into a visit once paid.

The row is written before the vendor is called, with no transaction open while it is.
What then happened is learned from callbacks, from the vendor's log, or by asking; a
browser that comes back proves nothing.
"""

from integrations.services.deposits.closing import (
    deliver_expire_session,
    tend_deposits,
)
from integrations.services.deposits.refunding import (
    NotRefundable,
    deliver_refund,
    refund_deposit,
)
from integrations.services.deposits.requesting import (
    DepositRequest,
    NoDepositAsked,
    PaymentsUnavailable,
    are_taken,
    request_deposit,
)

__all__ = [
    "DepositRequest",
    "NoDepositAsked",
    "NotRefundable",
    "PaymentsUnavailable",
    "are_taken",
    "deliver_expire_session",
    "deliver_refund",
    "refund_deposit",
    "request_deposit",
    "tend_deposits",
]
