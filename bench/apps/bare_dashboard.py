"""."""
def figures(connection, query, body): return {}
