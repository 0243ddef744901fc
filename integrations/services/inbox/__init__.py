"""What vendors tell us: stored before it is answered, then taken in.

`receiving` and `storing` write it down. `processing` has it read and applied; it is
not named here, because what it calls stores polled things by this package.
"""

from integrations.services.inbox.receiving import (
    NotSignedAsAgreed,
    Received,
    called_connection,
    is_handshake,
    receive,
)
from integrations.services.inbox.replaying import (
    REPLAYABLE,
    replay_dead,
    replay_inbound,
)
from integrations.services.inbox.storing import body_of, store_polled

__all__ = [
    "REPLAYABLE",
    "NotSignedAsAgreed",
    "Received",
    "body_of",
    "called_connection",
    "is_handshake",
    "receive",
    "replay_dead",
    "replay_inbound",
    "store_polled",
]
