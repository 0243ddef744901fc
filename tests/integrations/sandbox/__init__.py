"""The sandbox world behaves as the vendors do."""
