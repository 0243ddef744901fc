"""Tests of technicians."""
