"""Settings, all from the environment (see .env.example).

ENVIRONMENT is `production` unless it says `local` (what ./run sets) or `test`
(what ./test sets); production refuses to start without its secrets.
"""

from datetime import timedelta
from typing import Any

from config.admin_site import UNFOLD  # noqa: F401  # read by the admin theme
from config.env import BASE_DIR, env, environment, redis_database, secret
from config.log import logging_config

ENVIRONMENT = environment()
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False

# --- Secrets -----------------------------------------------------------------

SECRET_KEY = secret("SECRET_KEY", meaning="the key that signs tokens and cursors")
# First key encrypts; the others still decrypt, so that keys can be rotated.
FIELD_ENCRYPTION_KEYS: list[str] = [
    key.strip()
    for key in secret(
        "FIELD_ENCRYPTION_KEYS",
        meaning="a comma-separated list of keys for secrets at rest, newest first",
    ).split(",")
]

# --- Applications ------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.apps.FieldbookAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_filters",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "core",
    "accounts",
    "leads",
    "technicians",
    "appointments",
    "notifications",
    "integrations",
    "config.apps.ProjectConfig",
]

MIDDLEWARE = [
    "core.api.middleware.RequestContext",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.api.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.api.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "core.api.middleware.AuthenticationMiddleware",
    "core.api.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.api.middleware.Metering",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL --------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"].update(
    ENGINE="core.postgresql",  # Django's, at a lower price
    CONN_MAX_AGE=600,  # opening a connection costs several times a query
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        "application_name": "fieldbook",
        "connect_timeout": 2,
        "server_side_binding": True,
        "prepare_threshold": 2,
        "options": (
            f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', 5000)} "
            f"-c lock_timeout={env.int('DATABASE_LOCK_TIMEOUT_MS', 2000)} "
            "-c idle_in_transaction_session_timeout=15000"
        ),
        **DATABASES["default"].get("OPTIONS", {}),
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: cache, limits, Celery's broker. All of it may vanish at any moment. --

REDIS_URL: str = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default=redis_database(REDIS_URL, 1)),
        "KEY_PREFIX": "fieldbook",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CACHES["limits"] = {
    **CACHES["default"],
    "BACKEND": "core.api.counters.CounterCache",
    "KEY_PREFIX": "limits",
}

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=redis_database(REDIS_URL, 0))
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,  # longer than the longest task; hints are cheap to repeat
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TASK_PUBLISH_RETRY = False  # a web request must not wait for a dead broker
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_SOFT_TIME_LIMIT = 25
CELERY_TASK_ROUTES = {
    "core.tasks.publish_events": {"queue": "events"},
    # It may have to ask the vendor for what a callback only names.
    "integrations.tasks.process_inbound": {"queue": "vendors"},
    "integrations.tasks.poll_connection": {"queue": "vendors"},
    "integrations.tasks.reconcile_connection": {"queue": "vendors"},
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kB
CELERY_WORKER_ETA_TASK_LIMIT = 1000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Beat only asks "what is due?"; two beats ask twice and change nothing. A question that
# nobody answered for ten seconds is thrown away: the next one asks the same.
CELERY_BEAT_SCHEDULE = {
    "publish events that a lost hint left behind": {
        "task": "core.tasks.publish_events",
        "schedule": timedelta(seconds=2),
        "options": {"expires": 10},
    },
    "send what is due in the outbox": {
        "task": "core.tasks.sweep_outbox",
        "schedule": timedelta(seconds=2),
        "options": {"expires": 10},
    },
    "take in what vendors said": {
        "task": "integrations.tasks.sweep_inbox",
        "schedule": timedelta(seconds=2),
        "options": {"expires": 10},
    },
    "look after the subscribers": {
        "task": "integrations.tasks.tend_endpoints",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 240},
    },
    "look after the connections": {
        "task": "integrations.tasks.tend_connections",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 50},
    },
    "fetch the ways that somebody wanted": {
        "task": "integrations.tasks.fetch_ways",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 10},
    },
    "let go of coordinates that are too old": {
        "task": "integrations.tasks.refresh_locations",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 500},
    },
    "close the pages of deposits whose hold is over": {
        "task": "integrations.tasks.tend_deposits",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 10},
    },
    "ask vendors what is new": {
        "task": "integrations.tasks.poll_connections",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 50},
    },
    "look at visits as vendors have them": {
        "task": "integrations.tasks.reconcile_connections",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 50},
    },
    "book the visits of maintenance plans": {
        "task": "appointments.tasks.generate_plan_visits",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 540},
    },
    "forget spent tokens and ended sessions": {
        "task": "accounts.tasks.prune",
        "schedule": timedelta(hours=1),
    },
    "forget what has served its time": {
        "task": "core.tasks.prune",
        "schedule": timedelta(hours=1),
    },
}

# What is forgotten when it has served its time: functions of the moment that return the
# rows. The task above deletes them, some at a time.
HOUSEKEEPING = [
    "core.services.housekeeping.finished_messages",
    "core.services.housekeeping.spent_idempotency_keys",
    "integrations.services.inbox.keeping.finished_callbacks",
    "appointments.selectors.days.days_gone_by",
    "appointments.selectors.holds.holds_gone_by",
    "integrations.services.maps.stale_ways",
]

# --- What happens after a change: event -> handlers; outbox kind -> deliverer ----

_TELL_SUBSCRIBERS = "integrations.handlers.tell_subscribers"
_ALERT_ADMINS = "integrations.handlers.alert_admins"
_SYNC = "integrations.handlers.sync_to_vendors"
_CLOSE_PLAN_OCCURRENCE = "appointments.handlers.close_plan_occurrence"
EVENT_HANDLERS: dict[str, list[str]] = {
    # An audit trail of access; nobody outside is told.
    "user.created": [],
    "user.renamed": [],
    "user.role_changed": [],
    "user.locations_changed": [],
    "user.password_changed": [],
    "user.deactivated": [],
    "user.reactivated": [],
    "user.refresh_reused": [],
    # Who is told, and what was sent again: for the audit.
    "webhook_endpoint.created": [],
    "webhook_endpoint.updated": [],
    "webhook_endpoint.secret_rotated": [],
    "webhook_endpoint.disabled": [_ALERT_ADMINS],
    "webhook_endpoint.deleted": [],
    # Vendors, and who changed what about them.
    "callback.replayed": [],
    "callbacks.replayed": [],
    "connection.created": [],
    "connection.updated": [],
    "connection.deleted": [],
    "connection.checked": [],
    "connection.paused": [],
    "connection.resumed": [],
    "connection.reauthorised": [],
    "connection.needs_attention": [_ALERT_ADMINS],
    "connection.secret_rotated": [],
    "connection.token_rotated": [],
    "connection.mapping_changed": [],
    "sync_conflict.resolved": [],
    # Money, and the visits that it is for.
    "deposit.requested": [_TELL_SUBSCRIBERS],
    "deposit.paid": [_TELL_SUBSCRIBERS],
    "deposit.expired": [_TELL_SUBSCRIBERS],
    "deposit.failed": [_TELL_SUBSCRIBERS],
    "deposit.refund_due": [_TELL_SUBSCRIBERS],
    "deposit.refunded": [_TELL_SUBSCRIBERS],
    "deposit.needs_attention": [_TELL_SUBSCRIBERS, _ALERT_ADMINS],
    "delivery.replayed": [],
    "delivery.cancelled": [],
    "deliveries.replayed": [],
    "lead.created": [_TELL_SUBSCRIBERS, _SYNC],
    "lead.updated": [_TELL_SUBSCRIBERS, _SYNC],
    "lead.contacted": [_TELL_SUBSCRIBERS, _SYNC],
    "lead.dismissed": [_TELL_SUBSCRIBERS, _SYNC],
    "lead.converted": [_TELL_SUBSCRIBERS, _SYNC],
    "customer.created": [_TELL_SUBSCRIBERS, _SYNC],
    "customer.updated": [_TELL_SUBSCRIBERS, _SYNC],
    "customer.property_added": [
        _TELL_SUBSCRIBERS,
        _SYNC,
        "integrations.handlers.locate_property",
    ],
    "customer.property_located": ["appointments.handlers.relocate_property"],
    "customer.preference_changed": [],
    "consent.granted": [_TELL_SUBSCRIBERS, _SYNC],
    "consent.revoked": [_TELL_SUBSCRIBERS, _SYNC],
    "cap.changed": [],
    # When branches are open and how the crew works is nobody's business outside: the
    # slots show what follows.
    "holiday.added": [],
    "holiday.changed": [],
    "holiday.removed": [],
    "location.saved": [],
    "location.hours_changed": [],
    "zone.saved": [],
    "technician.created": [],
    "technician.updated": [],
    "technician.deactivated": [],
    "technician.reactivated": [],
    "technician.skills_changed": [],
    "technician.shifts_changed": [],
    "technician.shift_exception_added": [],
    "technician.shift_exception_removed": [],
    "technician.time_off_added": [],
    "technician.time_off_removed": [],
    "appointment.booked": [
        "notifications.handlers.confirm_booking",
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.taken_in": [_TELL_SUBSCRIBERS, _SYNC],
    "appointment.requested": [
        "notifications.handlers.confirm_request",
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.approved": [
        "notifications.handlers.confirm_booking",
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.declined": [
        "notifications.handlers.tell_refusal",
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.rescheduled": [
        "notifications.handlers.tell_new_time",
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.cancelled": [
        "notifications.handlers.tell_cancellation",
        _CLOSE_PLAN_OCCURRENCE,
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "appointment.assigned": [_TELL_SUBSCRIBERS, _SYNC],
    "appointment.unassigned": [_TELL_SUBSCRIBERS, _SYNC],
    "appointment.updated": [_TELL_SUBSCRIBERS, _SYNC],
    "appointment.status_changed": [
        "notifications.handlers.tell_progress",
        _CLOSE_PLAN_OCCURRENCE,
        _TELL_SUBSCRIBERS,
        _SYNC,
    ],
    "plan.created": [_TELL_SUBSCRIBERS],
    "plan.updated": [_TELL_SUBSCRIBERS],
    "plan.paused": [_TELL_SUBSCRIBERS],
    "plan.resumed": [_TELL_SUBSCRIBERS],
    "plan.ended": [_TELL_SUBSCRIBERS],
    "plan.occurrence_due": [_TELL_SUBSCRIBERS],
    "plan.occurrence_booked": [_TELL_SUBSCRIBERS],
    "plan.occurrence_conflict": [_TELL_SUBSCRIBERS],
    "plan.occurrence_skipped": [_TELL_SUBSCRIBERS],
    "plan.occurrence_done": [_TELL_SUBSCRIBERS],
}
# Who looks after booked visits while shifts, absences, holidays or zones change.
ROSTER_GUARD = "appointments.services.stranding.guard"
# Whether visitors can pay a deposit, and so have to where a service asks for one.
DEPOSITS_ARE_TAKEN = "integrations.services.deposits.are_taken"
OUTBOX_DELIVERERS: dict[str, str] = {
    "alert": "integrations.services.deliver_alert",
    "email": "notifications.services.deliver_email",
    "sms": "notifications.services.deliver_sms",
    "webhook": "integrations.services.deliver_webhook",
    "sync": "integrations.services.sync.deliver_sync",
    "geocode": "integrations.services.maps.deliver_geocode",
    "refund": "integrations.services.deposits.deliver_refund",
    "expire_session": "integrations.services.deposits.deliver_expire_session",
}

# So many messages at once may be on their way to one destination: a receiver that is
# slow must not occupy all workers.
OUTBOX_LEASES_PER_DESTINATION = env.int("OUTBOX_LEASES_PER_DESTINATION", default=4)
# Who waits for strangers must not keep others waiting: each class has its own queue.
OUTBOX_QUEUES: dict[str, str] = {
    "alert": "messages",
    "email": "messages",
    "expire_session": "vendors",
    "geocode": "vendors",
    "refund": "vendors",
    "sms": "messages",
    "sync": "vendors",
    "webhook": "webhooks",
}

# --- Messages ----------------------------------------------------------------

# Each channel's provider, by dotted path. The inbox keeps messages in the database,
# where the admin shows them: nothing leaves the machine.
_INBOX = "notifications.channels.InboxProvider"
NOTIFICATION_PROVIDERS = {
    "email": env.str(
        "EMAIL_PROVIDER",
        default="notifications.channels.SmtpProvider" if PRODUCTION else _INBOX,
    ),
    "sms": env.str("SMS_PROVIDER", default=_INBOX),
}
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 15  # shorter than the lease of a message in the outbox
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="visits@fieldbook.example")

# --- People and tokens -------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PasswordBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        (
            "UserAttributeSimilarityValidator",
            {"user_attributes": ("email", "name")},
        ),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = 8 * 3600
SIMPLE_JWT: dict[str, Any] = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ISSUER": "fieldbook",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "LEEWAY": 10,
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "token_use",
    "UPDATE_LAST_LOGIN": False,
}
REFRESH_FAMILY_LIFETIME = timedelta(days=90)

# --- The wire ----------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.RolePolicy"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.QuickJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.renderers.QuickNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.SignedCursorPagination",
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.RateLimit"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "core.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "PAGE_SIZE": 50,
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS tells nothing that /api/schema does not
    "URL_FORMAT_OVERRIDE": None,  # ?format=xml is a parameter like any other
}
# requests/seconds by scope; see core.api.throttling for who counts as one.
RATE_LIMITS: dict[str, str] = {
    "user": env.str("RATE_LIMIT_USER", default="600/m"),
    "anonymous": env.str("RATE_LIMIT_ANONYMOUS", default="120/m"),
    "public_form": env.str("RATE_LIMIT_PUBLIC_FORM", default="10/m"),
    "callbacks": env.str("RATE_LIMIT_CALLBACKS", default="300/m"),
    "login_address": env.str("RATE_LIMIT_LOGIN_ADDRESS", default="20/m"),
    "login_account": env.str("RATE_LIMIT_LOGIN_ACCOUNT", default="5/m"),
}
# Slots that visitors of one network address may keep at a time.
HOLDS_PER_ADDRESS = env.int("HOLDS_PER_ADDRESS", default=5)
RATELIMIT_USE_CACHE = "limits"
# django-ratelimit knows only some cache backends to be shared; Django's own Redis
# backend is one of them in fact, and increments atomically.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Fieldbook",
    "DESCRIPTION": (
        "Booking and dispatch for field-service companies. Times are RFC 3339 with "
        "the branch's offset; errors are RFC 9457 problems; writes take "
        "`Idempotency-Key` and `If-Match`."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "DEFAULT_GENERATOR_CLASS": "core.api.schema.KeptSchema",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_NAME_OVERRIDES": {
        "AppointmentStatus": "appointments.models.visits.STATUS_CHOICES",
        "AssignmentStep": "appointments.models.visits.STEP_CHOICES",
        "DeliveryStatus": "core.models.outbox.OutboxStatus",
        "InboundState": "integrations.models.inbox.InboundState",
        "LeadStatus": "leads.models.LeadStatus",
        "ConsentAction": "leads.models.ConsentAction",
        "ConnectionState": "integrations.models.connections.ConnectionState",
        "ContactKind": "leads.models.ContactKind",
        "PreferenceKind": "appointments.models.PreferenceKind",
        "ShiftKind": "technicians.models.ShiftKind",
        "PlanState": "appointments.models.plans.PLAN_STATES",
        "PlanOccurrenceState": "appointments.models.plans.OCCURRENCE_STATES",
    },
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "SORT_OPERATIONS": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.document_problems",
    ],
}
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-hold-token",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Signed webhooks may go to loopback and plain http only on a laptop or in tests:
# the sandbox world lives there.
WEBHOOK_ALLOW_PRIVATE_TARGETS = not PRODUCTION
# Likewise connections to vendors: in production only hosts that are theirs.
VENDORS_MAY_BE_ANYWHERE = not PRODUCTION
SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:8001")
SANDBOX_SECRET = env.str("SANDBOX_SECRET", default="")

# --- Where and how the site is served -----------------------------------------

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"],
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
USE_HTTPS = env.bool("USE_HTTPS", default=PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SECURE_SSL_REDIRECT = USE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if USE_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = USE_HTTPS
# What vendors call us by: some sign the whole URL, and a proxy may have changed it.
# Empty: as they came in.
_FIRST_NAME = ALLOWED_HOSTS[0].lstrip(".") if PRODUCTION and ALLOWED_HOSTS else ""
PUBLIC_BASE_URL = env.str(
    "PUBLIC_BASE_URL", default=f"https://{_FIRST_NAME}" if _FIRST_NAME else ""
)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
)
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / ".state" / "static"))
# Local and test serve straight from the packages: nothing to collect first.
WHITENOISE_USE_FINDERS = not PRODUCTION
if PRODUCTION:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {
            "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        },
    }

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

# --- The company -------------------------------------------------------------

DEFAULT_PHONE_REGION = env.str("DEFAULT_PHONE_REGION", default="US")
CURRENCY = env.str("CURRENCY", default="USD")

# How long it takes from visit to visit: a class that is a core.travel.TravelTime, or
# empty for the built-in model, whose figures these are.
TRAVEL_TIME_PROVIDER = env.str("TRAVEL_TIME_PROVIDER", default="")
# What a map vendor told us is kept so long (their terms); 0: as long as it is good.
MAPS_CACHE_DAYS = env.int("MAPS_CACHE_DAYS", default=30)
TRAVEL_ROAD_FACTOR = env.float("TRAVEL_ROAD_FACTOR", default=1.35)
TRAVEL_TOWN_KMH = env.float("TRAVEL_TOWN_KMH", default=22.0)
TRAVEL_ROAD_KMH = env.float("TRAVEL_ROAD_KMH", default=80.0)
TRAVEL_PARKING_MINUTES = env.float("TRAVEL_PARKING_MINUTES", default=2.0)

# --- Watching it run ----------------------------------------------------------

LOGGING_CONFIG = None
logging_config(as_json=env.bool("LOG_JSON", default=PRODUCTION))
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
CELERY_WORKER_METRICS_PORT = env.int("WORKER_METRICS_PORT", default=0)  # 0: none
