"""What every app stands on: words, errors, events, the outbox and the wire."""
