"""The users of the house: who they are, what they may, how they prove it."""
