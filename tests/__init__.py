"""Tests of the whole, one folder per app."""
