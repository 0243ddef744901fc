"""An index of the few promises that are longer than a day, for whoever counts caps."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # to be built while others write
    dependencies = [("appointments", "0013_cheaper_triggers")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS appointment_of_a_long_promise"
            " ON appointments_appointment (location_id, window_starts_at)"
            " WHERE window_ends_at - window_starts_at > interval '1 day'",
            "DROP INDEX CONCURRENTLY IF EXISTS appointment_of_a_long_promise",
        ),
    ]
