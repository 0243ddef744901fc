"""How people and places are told apart, as pure functions."""
