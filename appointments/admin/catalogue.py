"""What the company sells.

A service carries no rule beyond its constraints, and a change touches no visit that
is booked: so the theme's own form saves it.
"""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from appointments.models import Service
from core.admin.base import AdminsWrite, ModelAdmin
from core.admin.display import length_text, money_text


@admin.register(Service)
class ServiceAdmin(AdminsWrite, ModelAdmin):
    """Job types."""

    list_display = ("name", "length", "booking_mode", "price", "needs", "is_active")
    ordering = ("name", "pk")
    search_fields = ("name", "code")
    filter_horizontal = ("skills",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "code"),
                    "description",
                    ("is_active", "is_public", "is_emergency", "requires_approval"),
                )
            },
        ),
        (
            "Time, in minutes",
            {
                "fields": (
                    (
                        "duration_minutes",
                        "buffer_before_minutes",
                        "buffer_after_minutes",
                    ),
                    ("booking_mode", "window_minutes"),
                    ("notice_minutes", "horizon_days", "hold_minutes"),
                    "splits_over_days",
                )
            },
        ),
        (
            "Price and crew",
            {
                "fields": (
                    ("price_cents", "deposit_cents", "currency"),
                    "crew_size",
                    "skills",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        return Service.objects.prefetch_related("skills")

    @admin.display(description="Takes", ordering="duration_minutes")
    def length(self, service: Service) -> str:
        return length_text(service.duration_minutes)

    @admin.display(description="Price", ordering="price_cents")
    def price(self, service: Service) -> str:
        return money_text(service.price_cents, currency=service.currency)

    @admin.display(description="Skills")
    def needs(self, service: Service) -> str:
        return ", ".join(skill.name for skill in service.skills.all()) or "-"
