"""The house under fire: `python -m tests.chaos` (docs/reliability.md)."""
