"""The fakes against the vendors' own word: their clients and their descriptions."""
