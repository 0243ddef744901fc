"""."""
def slots(connection, query, body): return {}
