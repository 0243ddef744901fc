"""The edge to the outside: signed webhooks to subscribers."""
