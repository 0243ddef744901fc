"""The rules of access, as pure tables and functions."""
