"""What the demo company consists of, as tables of plain data."""
