"""The database engine of the settings: Django's for PostgreSQL, at a lower price."""
