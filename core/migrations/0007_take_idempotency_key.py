"""The function that takes an idempotency key, and waits for no more than a while."""

from django.db import migrations

# The time-out belongs to the function: it ends with it, and costs no statements.
TAKE_KEY = """
CREATE FUNCTION take_idempotency_key(
    of_principal varchar, of_route varchar, of_key varchar, of_hash varchar,
    at timestamptz, until timestamptz
) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '3s' AS $$
BEGIN
    INSERT INTO core_idempotencyrecord (
        principal, route, key, request_hash, headers, created_at, expires_at
    )
    VALUES (of_principal, of_route, of_key, of_hash, '{}', at, until)
    ON CONFLICT (principal, route, key) DO NOTHING;
    RETURN FOUND;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0006_waiting_in_line")]

    operations = [
        migrations.RunSQL(
            TAKE_KEY,
            "DROP FUNCTION take_idempotency_key("
            "varchar, varchar, varchar, varchar, timestamptz, timestamptz)",
        ),
    ]
