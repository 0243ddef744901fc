"""The rules of working time, as pure functions."""
