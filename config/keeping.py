"""Keep a worker's database connections from task to task, as the web server does.

Celery closes them before and after each task. A new one costs more than most tasks
do: a process of PostgreSQL's, its caches, and every statement is planned anew.
"""

from functools import cached_property
from typing import Any

from celery import Celery
from celery.fixups import django as celerys
from django.db import close_old_connections


class KeepingFixup(celerys.DjangoFixup):
    """Celery's way to work with Django, with connections that stay."""

    @cached_property
    def worker_fixup(self) -> Any:
        return KeepingWorkerFixup(self.app)


class KeepingWorkerFixup(celerys.DjangoWorkerFixup):  # type: ignore[name-defined,misc]  # its stubs leave it out
    """What it does in a worker."""

    def install(self) -> Any:
        installed = super().install()
        self._close_database()  # none is shared with the processes to come
        return installed

    def close_database(self, **kwargs: Any) -> None:
        """Close what is too old (CONN_MAX_AGE) or broken, and check the others."""
        close_old_connections()


def fixup(app: Celery) -> Any:
    """Let an app of Celery's work with Django."""
    return KeepingFixup(app).install()
