"""What Django's PostgreSQL engine spends on each request, and we need not.

docs/adr/0008-a-thin-http-path.md has the figures.
"""

import select
from typing import Any, Self

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader

# A statement that was prepared before a migration changed one of its columns, or
# whose session another program has reset.
_STALE = (psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)


class Cursor(psycopg.Cursor[Any]):
    """A cursor whose prepared statements outlive a change of the schema."""

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        try:
            return super().execute(*args, **kwargs)
        except _STALE:
            if self.connection.info.transaction_status is not TransactionStatus.IDLE:
                raise  # the transaction is lost; its rollback forgets the statements
            super().execute("DEALLOCATE ALL")  # psycopg sees it, and forgets its own
            return super().execute(*args, **kwargs)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection with all its times in UTC."""

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "cursor_factory": Cursor}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        # Django loads times in Python, to put a zone on them. Our sessions speak UTC
        # (TIME_ZONE), and so does psycopg's own loader then, which is in C.
        connection.adapters.register_loader("timestamptz", TimestamptzLoader)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        if name is None:
            return self.connection.cursor()
        return self.connection.cursor(
            name, scrollable=False, withhold=self.connection.autocommit
        )

    def close_if_health_check_failed(self) -> None:
        """Ask before each request whether the server is there, without a round trip.

        One that left has closed the socket: only a socket with something to tell is
        worth the question that Django puts (CONN_HEALTH_CHECKS).
        """
        if self.connection is None or self.connection.closed or self._is_spoken_to():
            super().close_if_health_check_failed()
        else:
            self.health_check_done = True

    def _is_spoken_to(self) -> bool:
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN | select.POLLPRI)
        return bool(socket.poll(0))
