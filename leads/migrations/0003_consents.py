import core.ids
import django.db.models.deletion
from django.db import migrations, models


# What was agreed to is proof: the database lets nobody rewrite it. That a customer or
# lead is gone may still be noted.
IS_KEPT = """
CREATE FUNCTION refuse_to_rewrite_consent()
RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'consent events are added, never changed'
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER consent_is_never_rewritten
    BEFORE DELETE OR UPDATE OF id, kind, contact, purpose, action, source,
        text_version, evidence, at
    ON leads_consentevent FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_consent();
"""

IS_NOT_KEPT = """
DROP TRIGGER consent_is_never_rewritten ON leads_consentevent;
DROP FUNCTION refuse_to_rewrite_consent();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0002_unanswered_leads'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentEvent',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('email', 'Email'), ('sms', 'Sms')], max_length=5)),
                ('contact', models.CharField(max_length=254)),
                ('purpose', models.CharField(choices=[('service', 'Service'), ('marketing', 'Marketing')], max_length=9)),
                ('action', models.CharField(choices=[('granted', 'Granted'), ('revoked', 'Revoked')], max_length=7)),
                ('source', models.SlugField(db_index=False, max_length=40)),
                ('text_version', models.CharField(blank=True, max_length=60)),
                ('evidence', models.CharField(blank=True, max_length=500)),
                ('at', models.DateTimeField()),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.customer')),
                ('lead', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='leads.lead')),
            ],
            options={
                'indexes': [models.Index(fields=['contact', 'kind', 'purpose', '-at', '-id'], name='consent_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('action__in', ['granted', 'revoked']), ('kind__in', ['email', 'sms']), ('purpose__in', ['service', 'marketing'])), name='consent_words_are_known'), models.CheckConstraint(condition=models.Q(models.Q(('contact__regex', '^\\+[1-9][0-9]{6,14}$'), ('kind', 'sms')), models.Q(('contact__contains', '@'), ('kind', 'email')), _connector='OR'), name='consent_contact_is_normal'), models.CheckConstraint(condition=models.Q(('source__exact', ''), _negated=True), name='consent_has_a_source')],
            },
        ),
        migrations.RunSQL(IS_KEPT, IS_NOT_KEPT),
    ]
