"""What connections cannot be, or be made to do."""

from core.errors import Conflict, Rejected


class ConnectionExists(Conflict):
    """A connection of that vendor has the name already."""

    code = "connection_exists"
    title = "There is a connection of this name already"


class VendorNotOffered(Rejected):
    """Nobody here speaks to that vendor."""

    code = "vendor_not_offered"
    title = "Connections to this vendor are not offered"


class ConnectionRefused(Rejected):
    """The vendor refuses the new credentials; the old ones stay."""

    code = "connection_refused"
    title = "The vendor refuses these credentials"
