"""A Mailchimp of our own: audiences, consent, webhooks without a signature."""

from integrations.sandbox.mailchimp.api import KEY, LIST, Mailchimp

__all__ = ["KEY", "LIST", "Mailchimp"]
