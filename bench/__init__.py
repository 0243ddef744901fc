"""How fast it is: against the barest program, on the same machine, in the same run."""
