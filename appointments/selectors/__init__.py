"""Questions about visits and about the capacity for them."""
