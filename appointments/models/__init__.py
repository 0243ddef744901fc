"""Services, visits, and who is on them."""

from appointments.models.services import BookingMode, Service
from appointments.models.visits import Appointment, Assignment

__all__ = ["Appointment", "Assignment", "BookingMode", "Service"]
