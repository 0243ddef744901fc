"""Random worlds and random days of work: what must hold in all of them."""
