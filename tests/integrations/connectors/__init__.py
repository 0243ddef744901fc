"""Connectors against a vendor of our own, over HTTP."""
