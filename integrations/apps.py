"""Puts the gauges of connections where Prometheus asks."""

from importlib import import_module

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Other systems."""

    name = "integrations"

    def ready(self) -> None:
        # They need the models loaded.
        import_module("integrations.api.gauges").register()
