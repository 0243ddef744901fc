"""The demo company, Larkspur Home Comfort: who it is, and how its rows are made."""
