from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # both tables are full: indexes are built beside their work

    dependencies = [("core", "0005_outbox_on_the_way")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("failed_at", None), ("published_at", None)),
                fields=["aggregate_id", "number"],
                name="event_waiting_in_line",
            ),
        ),
        AddIndexConcurrently(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["delivered", "superseded", "dead", "cancelled"])
                ),
                fields=["status", "-id"],
                name="outbox_ended",
            ),
        ),
        RemoveIndexConcurrently(model_name="outboxmessage", name="outbox_by_status"),
    ]
