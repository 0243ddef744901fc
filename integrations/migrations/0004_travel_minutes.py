from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0003_connection_recovery'),
    ]

    operations = [
        migrations.CreateModel(
            name='TravelMinutes',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin_latitude', models.IntegerField()),
                ('origin_longitude', models.IntegerField()),
                ('destination_latitude', models.IntegerField()),
                ('destination_longitude', models.IntegerField()),
                ('time_class', models.CharField(max_length=10)),
                ('minutes', models.PositiveIntegerField(null=True)),
                ('fetched_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'travel minutes',
                'indexes': [models.Index(fields=['destination_latitude', 'destination_longitude'], name='way_by_destination'), models.Index(fields=['fetched_at'], name='way_by_age')],
                'constraints': [models.UniqueConstraint(fields=('origin_latitude', 'origin_longitude', 'destination_latitude', 'destination_longitude', 'time_class'), name='way_is_known_once'), models.CheckConstraint(condition=models.Q(('time_class__in', ['free', 'rush'])), name='way_time_class_is_known')],
            },
        ),
    ]
