"""The house on one machine: `./run` and `./test` with servers of their own."""
