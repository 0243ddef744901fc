"""How many statements a request runs, as PostgreSQL counts them."""

import time
from collections.abc import Sequence

from bench.cluster import Cluster
from bench.load import Request
from bench.web import Web

# Beginning and ending a transaction is no question; nor is what PostgreSQL asks itself
# about foreign keys, which it counts where they are checked with the commit.
_COUNT = """
    SELECT coalesce(sum(calls), 0), count(*) FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query !~* '^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|SHOW|DEALLOCATE)'
      AND query NOT LIKE 'SELECT 1 FROM ONLY %'
      AND query NOT LIKE '%pg_stat_statements%'
"""
_SETTLING_SECONDS = 0.3


def statements_per_request(
    cluster: Cluster, web: Web, requests: Sequence[Request]
) -> float:
    """Return how many statements each of these requests runs, once all is warm."""
    with cluster.connect() as rows:
        rows.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cluster.count_statements(on=True)
        time.sleep(_SETTLING_SECONDS)
        rows.execute("SELECT pg_stat_statements_reset()")
        for request in requests:
            web.answer(request)
        found = rows.execute(_COUNT).fetchone()
        cluster.count_statements(on=False)
        time.sleep(_SETTLING_SECONDS)
    calls = 0 if found is None else int(str(found[0]))
    return round(calls / len(requests), 2)
