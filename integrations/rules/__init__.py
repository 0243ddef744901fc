"""What may be called, and what an answer means."""
