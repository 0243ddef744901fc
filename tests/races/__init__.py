"""Crowds of clients on one real server of several processes."""
