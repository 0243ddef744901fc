"""Visits: the slots that can be offered, and the truth of what is booked."""
