"""Registers the check of the policy."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and access."""

    name = "accounts"

    def ready(self) -> None:
        # Checks register themselves when imported, and need the models loaded.
        import_module("accounts.checks")
