"""A Stripe of our own: deposits by checkout or intent, refunds, signed events."""

from integrations.sandbox.stripe.ledger import VERSION
from integrations.sandbox.stripe.vendor import KEY, Stripe

__all__ = ["KEY", "VERSION", "Stripe"]
