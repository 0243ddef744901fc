"""What may become of a deposit: it only moves forward."""

from collections.abc import Mapping

REQUESTED, PAID = "requested", "paid"
REFUND_DUE, REFUNDING, REFUNDED = "refund_due", "refunding", "refunded"
EXPIRED, FAILED, NEEDS_ATTENTION = "expired", "failed", "needs_attention"

# Money that has come outranks a page that was closed: callbacks come in any order.
# What needs attention waits for a person, who can send the money back.
_PAID_AFTER_ALL = frozenset({PAID, REFUND_DUE, NEEDS_ATTENTION})
LATER: Mapping[str, frozenset[str]] = {
    REQUESTED: _PAID_AFTER_ALL | {EXPIRED, FAILED},
    EXPIRED: _PAID_AFTER_ALL,
    FAILED: _PAID_AFTER_ALL,
    PAID: frozenset({REFUND_DUE, REFUNDED, NEEDS_ATTENTION}),
    REFUND_DUE: frozenset({REFUNDING, REFUNDED, NEEDS_ATTENTION}),
    REFUNDING: frozenset({REFUNDED, NEEDS_ATTENTION}),
    REFUNDED: frozenset({NEEDS_ATTENTION}),
    NEEDS_ATTENTION: frozenset({REFUND_DUE, REFUNDED}),
}


def may_become(state: str, other: str) -> bool:
    """Tell whether a deposit that is `state` can still become `other`."""
    return other in LATER[state]


def awaits_money(state: str) -> bool:
    """Tell whether a payment that comes now is one that we wait for, or did."""
    return PAID in LATER[state]


def what_differs(
    *, amount: object, currency: object, is_live: object, wanted: tuple[int, str, bool]
) -> str:
    """Return what a payment has other than asked for, in words; "" if nothing."""
    told = {"amount": amount, "currency": currency, "real money": is_live}
    faults = [
        f"{name} is {found}, not {asked}"
        for (name, found), asked in zip(told.items(), wanted, strict=True)
        if found != asked
    ]
    return "; ".join(faults)
