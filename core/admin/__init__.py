"""The admin site: its frame, and the company's own pages."""
