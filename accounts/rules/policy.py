"""Who may do what: the one table that every request of the API is held against.

A key is `resource.action`. What a role may do says nothing about *which* objects: a
view gets those through `visible_to(actor)`, and the others are not found.
"""

from collections.abc import Mapping

from core.actors import Role

Roles = frozenset[Role]

ADMIN: Roles = frozenset({Role.ADMIN})
OFFICE: Roles = ADMIN | {Role.DISPATCHER}
READERS: Roles = OFFICE | {Role.VIEWER}
CREW: Roles = READERS | {Role.TECHNICIAN}
SIGNED_IN: Roles = CREW | {Role.INTEGRATION}
EVERYBODY: Roles = SIGNED_IN | {Role.ANONYMOUS}
MACHINE: Roles = frozenset({Role.INTEGRATION})
VISITOR: Roles = frozenset({Role.ANONYMOUS})

POLICY: Mapping[str, Roles] = {
    # Signing in and out. Those who hold no access token (yet) come as visitors.
    "auth.token": EVERYBODY,
    "auth.refresh": EVERYBODY,
    "auth.logout": EVERYBODY,
    "auth.me": SIGNED_IN,
    "auth.password": SIGNED_IN,
    # People who sign in
    "users.list": ADMIN,
    "users.retrieve": ADMIN,
    "users.create": ADMIN,
    "users.partial_update": ADMIN,
    "users.deactivate": ADMIN,
    "users.reactivate": ADMIN,
    "users.password": ADMIN,
    # Branches: the website shows them
    "locations.list": EVERYBODY,
    "locations.retrieve": EVERYBODY,
    # Holidays; those of the whole company are the admins', which the service sees to
    "holidays.list": CREW,
    "holidays.create": OFFICE,
    "holidays.destroy": OFFICE,
    # Leads: the public form and partners leave them, the office works on them
    "leads.list": READERS | MACHINE,
    "leads.retrieve": READERS | MACHINE,
    "leads.create": OFFICE | MACHINE | VISITOR,
    "leads.partial_update": OFFICE,
    "leads.dismiss": OFFICE,
    "leads.convert": OFFICE,
    "leads.contact": OFFICE,
    # Customers and their properties
    "customers.list": READERS,
    "customers.retrieve": READERS,
    "customers.create": OFFICE,
    "customers.partial_update": OFFICE,
    "properties.list": READERS,
    "properties.create": OFFICE,
    # Technicians: each sees himself
    "technicians.list": CREW,
    "technicians.retrieve": CREW,
    "technicians.schedule": CREW,
    "technicians.create": OFFICE,
    "technicians.partial_update": OFFICE,
    "technicians.deactivate": OFFICE,
    "technicians.reactivate": OFFICE,
    "technicians.set_skills": OFFICE,
    # When they work
    "shifts.retrieve": CREW,
    "shifts.update": OFFICE,
    "shift_exceptions.list": CREW,
    "shift_exceptions.create": OFFICE,
    "shift_exceptions.destroy": OFFICE,
    "time_off.list": CREW,
    "time_off.create": OFFICE,
    "time_off.destroy": OFFICE,
    # What the company can do and sells
    "skills.list": CREW,
    "services.list": EVERYBODY,
    "services.retrieve": EVERYBODY,
    # How many visits a day takes, and who goes to whom
    "caps.list": READERS,
    "caps.create": ADMIN,
    "caps.partial_update": ADMIN,
    "caps.destroy": ADMIN,
    "technician_preferences.list": READERS,
    "technician_preferences.update": OFFICE,
    "technician_preferences.destroy": OFFICE,
    # Visits. A visitor books with the token of his lead, which the view checks.
    "availability.list": READERS | MACHINE | VISITOR,
    "availability.explain": READERS,
    "dashboard.retrieve": READERS,
    "appointments.list": CREW | MACHINE,
    "appointments.retrieve": CREW | MACHINE,
    "appointments.history": CREW,
    "appointments.create": OFFICE | MACHINE | VISITOR,
    "appointments.reschedule": OFFICE | MACHINE,
    "appointments.cancel": OFFICE | MACHINE,
    "appointments.partial_update": OFFICE,
    "appointments.assign": OFFICE,
    "appointments.unassign": OFFICE,
    "appointments.swap": OFFICE,
    "appointments.change_status": OFFICE | {Role.TECHNICIAN},
    "appointments.approve": OFFICE,
    "appointments.decline": OFFICE,
    # Holds: whoever may book may hold; the token says whose it is
    "holds.create": OFFICE | MACHINE | VISITOR,
    "holds.retrieve": OFFICE | MACHINE | VISITOR,
    "holds.destroy": OFFICE | MACHINE | VISITOR,
    # Deposits: the token of the hold opens one's own; the office sends money back
    "deposits.list": READERS,
    "deposits.create": OFFICE | MACHINE | VISITOR,
    "deposits.retrieve": READERS | MACHINE | VISITOR,
    "deposits.refund": OFFICE,
    # Maintenance plans, and the visit of each of their periods
    "plans.list": READERS,
    "plans.retrieve": READERS,
    "plans.create": OFFICE,
    "plans.partial_update": OFFICE,
    "plans.pause": OFFICE,
    "plans.resume": OFFICE,
    "plans.end": OFFICE,
    "plan_occurrences.list": READERS,
    "plan_occurrences.book": OFFICE,
    "plan_occurrences.skip": OFFICE,
    "plan_occurrences.retry": OFFICE,
    # Messages to customers
    "notifications.list": READERS | MACHINE,
    "notifications.retrieve": READERS | MACHINE,
    "replies.list": READERS,
    "replies.retrieve": READERS,
    "replies.handle": OFFICE,
    # Other systems: they are told of every branch, so they are the admin's
    "conflicts.list": ADMIN,
    "conflicts.retrieve": ADMIN,
    "conflicts.resolve": ADMIN,
    "connections.list": ADMIN,
    "connections.retrieve": ADMIN,
    "connections.create": ADMIN,
    "connections.partial_update": ADMIN,
    "connections.destroy": ADMIN,
    "connections.test": ADMIN,
    "connections.pause": ADMIN,
    "connections.resume": ADMIN,
    "connections.reauthorise": ADMIN,
    "connections.rotate_secret": ADMIN,
    "connections.rotate_token": ADMIN,
    "connections.mappings": ADMIN,
    "connections.set_mappings": ADMIN,
    "connections.vendors": ADMIN,
    "integrations.report": ADMIN,
    "external_links.list": ADMIN,
    # Vendors call back under a secret URL; their signature tells who they are
    "callbacks.receive": EVERYBODY,
    "inbox.list": ADMIN,
    "inbox.retrieve": ADMIN,
    "inbox.replay": ADMIN,
    "inbox.replay_many": ADMIN,
    "webhook_endpoints.list": ADMIN,
    "webhook_endpoints.retrieve": ADMIN,
    "webhook_endpoints.create": ADMIN,
    "webhook_endpoints.partial_update": ADMIN,
    "webhook_endpoints.destroy": ADMIN,
    "webhook_endpoints.test": ADMIN,
    "webhook_endpoints.rotate_secret": ADMIN,
    "deliveries.list": ADMIN,
    "deliveries.retrieve": ADMIN,
    "deliveries.replay": ADMIN,
    "deliveries.replay_many": ADMIN,
}

# Rules of booking that staff may set aside, with a reason (R9); nothing else is soft.
# To send somebody without the certificate may be against the law: the admin's alone.
OVERRIDES: Mapping[str, Roles] = {
    "notice": OFFICE,
    "horizon": OFFICE,
    "window": OFFICE,
    "zone": OFFICE,
    "cap": OFFICE,
    "overtime": OFFICE,
    "skill": ADMIN,
}


def may_override(*, role: Role, rule: str) -> bool:
    """Tell whether a role may set that rule aside; one that is not listed, nobody."""
    return role in OVERRIDES.get(rule, frozenset())


_VIEW = frozenset({"view"})
_WORK = frozenset({"view", "add", "change"})

# The admin site, per app. Admins may do everything; roles not named, nothing.
ADMIN_SITE: Mapping[Role, Mapping[str, frozenset[str]]] = {
    Role.DISPATCHER: {
        "core": _VIEW,
        "leads": _WORK,
        "technicians": _WORK,
        "appointments": _WORK,
        "notifications": _WORK,
    },
    Role.VIEWER: {
        "core": _VIEW,
        "leads": _VIEW,
        "technicians": _VIEW,
        "appointments": _VIEW,
        "notifications": _VIEW,
    },
}


def enters_admin_site(role: Role) -> bool:
    """Tell whether the admin site is for that role."""
    return role is Role.ADMIN or role in ADMIN_SITE


def may_in_admin_site(*, role: Role, permission: str) -> bool:
    """Tell whether a role has one of Django's permissions, `app.verb_model`."""
    if role is Role.ADMIN:
        return True
    app, _, name = permission.partition(".")
    return name.partition("_")[0] in ADMIN_SITE.get(role, {}).get(app, frozenset())
