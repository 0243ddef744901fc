"""The programs that are measured: the barest one, ours, and one by the book."""
