"""Make what a vendor said ours: one applier per kind of things.

An applier is called inside one transaction, with the mark on the callback. It never
calls anybody outside.
"""

from integrations.services.sync.applying.taking import APPLIERS, TakenIn, take_in

__all__ = ["APPLIERS", "TakenIn", "take_in"]
