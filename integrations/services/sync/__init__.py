"""Keep our things and a vendor's in agreement, whoever changes them."""

from integrations.services.sync.applying import TakenIn, take_in
from integrations.services.sync.polled import remotes_in
from integrations.services.sync.telling import sync_to_vendors, tell

__all__ = ["TakenIn", "remotes_in", "sync_to_vendors", "take_in", "tell"]
