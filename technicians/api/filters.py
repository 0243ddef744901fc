"""How lists of technicians and of their days are narrowed."""

from django_filters import rest_framework as filters

from technicians.models import TechnicianQuerySet, TechnicianSkill


class TechnicianFilter(filters.FilterSet):
    """Narrow by branch, skill, activity and name."""

    location = filters.UUIDFilter()
    skill = filters.CharFilter(
        method="having", max_length=40, help_text="Code of a skill."
    )
    is_active = filters.BooleanFilter()
    search = filters.CharFilter(
        "name", lookup_expr="icontains", max_length=100, help_text="Part of the name."
    )

    def having(
        self, technicians: TechnicianQuerySet, name: str, value: str
    ) -> TechnicianQuerySet:
        holders = TechnicianSkill.objects.filter(skill__code=value)
        return technicians.filter(pk__in=holders.values("technician"))


class ShiftExceptionFilter(filters.FilterSet):
    """Narrow to some days."""

    date_from = filters.DateFilter("date", lookup_expr="gte")
    date_to = filters.DateFilter("date", lookup_expr="lte")


class TimeOffFilter(filters.FilterSet):
    """Narrow to what touches a span of time."""

    ends_after = filters.IsoDateTimeFilter("ends_at", lookup_expr="gt")
    starts_before = filters.IsoDateTimeFilter("starts_at", lookup_expr="lt")
