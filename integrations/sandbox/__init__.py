"""A small receiver of webhooks that ships with the house, and fails when told to.

It knows nothing of the house but the secret: no database, no settings. So it shows
what a subscriber's own code has to do, and what one sees when that code is down.
"""
