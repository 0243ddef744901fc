from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0003_consents'),
    ]

    operations = [
        migrations.AddField(
            model_name='property',
            name='located_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='property',
            name='located_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='property',
            name='location_problem',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddConstraint(
            model_name='property',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('located_at__isnull', True), ('located_by', '')), models.Q(('latitude__isnull', False), ('located_at__isnull', False), models.Q(('located_by', ''), _negated=True)), _connector='OR'), name='property_is_located_by_somebody_at_a_time'),
        ),
    ]
