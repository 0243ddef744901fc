"""Technicians and skills, as staff see them."""

from technicians.admin.technicians import SkillAdmin, TechnicianAdmin

__all__ = ["SkillAdmin", "TechnicianAdmin"]
