"""The large scale: what two years of a bigger company leave in the tables."""
