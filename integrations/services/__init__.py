"""Tell the outside what happens here, and look after whom we work with."""

from integrations.services.alerting import alert_admins, deliver_alert
from integrations.services.connections import (
    ConnectionForm,
    MappingForm,
    check_connection,
    create_connection,
    delete_connection,
    inbound_path,
    inbound_url,
    mark_needs_attention,
    outcome_of_failure,
    pause_connection,
    reauthorise_connection,
    resume_connection,
    rotate_inbound_secret,
    rotate_inbound_token,
    set_mappings,
    tend_connections,
    update_connection,
)
from integrations.services.endpoints import (
    EndpointExists,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    rotate_secret,
    send_test,
    update_endpoint,
)
from integrations.services.fanout import tell_subscribers
from integrations.services.tending import tend_endpoints
from integrations.services.webhooks import deliver_webhook

__all__ = [
    "ConnectionForm",
    "EndpointExists",
    "MappingForm",
    "alert_admins",
    "check_connection",
    "create_connection",
    "create_endpoint",
    "delete_connection",
    "delete_endpoint",
    "deliver_alert",
    "deliver_webhook",
    "disable_endpoint",
    "inbound_path",
    "inbound_url",
    "mark_needs_attention",
    "outcome_of_failure",
    "pause_connection",
    "reauthorise_connection",
    "resume_connection",
    "rotate_inbound_secret",
    "rotate_inbound_token",
    "rotate_secret",
    "send_test",
    "set_mappings",
    "tell_subscribers",
    "tend_connections",
    "tend_endpoints",
    "update_connection",
    "update_endpoint",
]
