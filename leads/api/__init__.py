"""HTTP edge of the app."""
