"""Visits: slots, booking, moving, steps, races."""
