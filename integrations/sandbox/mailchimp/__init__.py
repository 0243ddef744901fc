"""A Mailchimp of our own: audiences, consent, webhooks without a signature."""

from integrations.sandbox.mailchimp.vendor import KEY, LIST, Mailchimp

__all__ = ["KEY", "LIST", "Mailchimp"]
