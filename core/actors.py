"""Who acts: a person, a machine client, a visitor or the house itself."""

import uuid
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user is to the company. Anonymous callers have a role too."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    VIEWER = "viewer"
    INTEGRATION = "integration"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who reads or changes things, and how far their sight reaches.

    `location_ids` is None for those who see every branch. A technician sees only
    what is assigned to `technician_id`.
    """

    role: Role
    label: str
    user_id: uuid.UUID | None = None
    location_ids: frozenset[uuid.UUID] | None = frozenset()
    technician_id: uuid.UUID | None = None

    @property
    def sees_all_locations(self) -> bool:
        return self.location_ids is None

    @property
    def is_staff(self) -> bool:
        return self.role is not Role.ANONYMOUS

    def sees_location(self, location_id: uuid.UUID | None) -> bool:
        """Tell whether something of this branch is within the actor's sight."""
        return self.location_ids is None or location_id in self.location_ids


ANONYMOUS = Actor(role=Role.ANONYMOUS, label="visitor")
SYSTEM = Actor(role=Role.ADMIN, label="system", location_ids=None)
