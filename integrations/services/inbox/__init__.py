"""What vendors tell us: stored before it is answered, then taken in.

`storing` and `receiving` write it down. `processing` has it read and applied, and
stands apart: what it calls stores polled things here.
"""

from integrations.services.inbox.storing import store_polled

__all__ = ["store_polled"]
