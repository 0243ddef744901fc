"""Wishes and customers: who asked for what, and where they live."""
