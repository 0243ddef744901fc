"""A fake of ServiceTitan: bookings, customers, jobs, appointments and their feeds.

Written from the vendor's published descriptions. What those leave open is decided here
and said where it stands: which conflicts answer 409, the envelope of webhooks, what a
feed repeats.
"""

from integrations.sandbox.servicetitan.door import APP_KEY, CLIENT_ID, CLIENT_SECRET
from integrations.sandbox.servicetitan.vendor import TENANT, ServiceTitan

__all__ = ["APP_KEY", "CLIENT_ID", "CLIENT_SECRET", "TENANT", "ServiceTitan"]
