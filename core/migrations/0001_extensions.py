"""PostgreSQL's own extensions that our constraints and searches stand on."""

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = []
    operations = [
        BtreeGistExtension(),  # the double-booking constraint mixes = and &&
        TrigramExtension(),  # search by any part of a name
    ]
