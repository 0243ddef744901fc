"""Everything around one configured vendor, but what is said to it."""

from integrations.services.connections.changing import (
    ConnectionForm,
    create_connection,
    delete_connection,
    update_connection,
)
from integrations.services.connections.checking import (
    Check,
    check_connection,
    reauthorise_connection,
)
from integrations.services.connections.inbound import (
    hash_of_token,
    inbound_path,
    inbound_url,
    rotate_inbound_secret,
    rotate_inbound_token,
)
from integrations.services.connections.mappings import MappingForm, set_mappings
from integrations.services.connections.refusals import (
    ConnectionExists,
    ConnectionRefused,
    VendorNotOffered,
)
from integrations.services.connections.standing import (
    mark_needs_attention,
    outcome_of_failure,
    pause_connection,
    resume_connection,
)
from integrations.services.connections.tending import tend_connections

__all__ = [
    "Check",
    "ConnectionExists",
    "ConnectionForm",
    "ConnectionRefused",
    "MappingForm",
    "VendorNotOffered",
    "check_connection",
    "create_connection",
    "delete_connection",
    "hash_of_token",
    "inbound_path",
    "inbound_url",
    "mark_needs_attention",
    "outcome_of_failure",
    "pause_connection",
    "reauthorise_connection",
    "resume_connection",
    "rotate_inbound_secret",
    "rotate_inbound_token",
    "set_mappings",
    "tend_connections",
    "update_connection",
]
