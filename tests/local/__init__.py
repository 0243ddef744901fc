"""`./run`, `./test` and what they stand on."""
