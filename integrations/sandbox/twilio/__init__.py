"""A Twilio of our own: messages that move forward, opt-outs, signed callbacks."""

from integrations.sandbox.twilio.account import ACCOUNT, API_KEY, KEY, NUMBER, SERVICE
from integrations.sandbox.twilio.vendor import Twilio

__all__ = ["ACCOUNT", "API_KEY", "KEY", "NUMBER", "SERVICE", "Twilio"]
