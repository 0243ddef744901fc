"""The Celery application. Its messages are hints: the truth is in PostgreSQL."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from prometheus_client import start_http_server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("fieldbook", fixups=["config.keeping:fixup"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def show_metrics(**_: Any) -> None:
    """Serve what this worker counts to Prometheus, where a port is given for it.

    A worker of threads is one process and counts everything; one of processes shows
    its parent's figures alone.
    """
    port = app.conf.get("worker_metrics_port")
    if port:
        start_http_server(port)
