"""One module per vendor, all behind one port: see docs/connectors.md to add another."""
