"""Tests of the house's machinery."""
