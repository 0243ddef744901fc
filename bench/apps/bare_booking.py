"""."""
def book(connection, query, body): return {}
