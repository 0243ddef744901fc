"""The world outside on one machine: fakes of the vendors, and a subscriber of ours.

It knows nothing of the house but a secret: no database, no settings, no connector.
So it shows what the others' side sees when a call is lost, doubled or late.

wire        what a fake is given, and what it says
faults      what goes wrong in between
callbacks   how a fake tells us of changes
world       the fakes with their faults, journals and counters
server      all of it over HTTP, with a page; control is its own API
inbox       the subscriber: it checks our signatures, and fails when told to
"""
