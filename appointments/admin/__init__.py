"""Visits and services, as staff see them."""

from appointments.admin.catalogue import ServiceAdmin
from appointments.admin.visits import AppointmentAdmin

__all__ = ["AppointmentAdmin", "ServiceAdmin"]
