"""The rules of booking, as pure functions: no database, no clock, no HTTP."""
