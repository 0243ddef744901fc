"""Routes of subscribers and deliveries."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from integrations.api.report import ReportView
from integrations.api.views import DeliveryViewSet, WebhookEndpointViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register(
    "webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint"
)
router.register("deliveries", DeliveryViewSet, basename="delivery")

urlpatterns = [
    path("integrations/report", ReportView.as_view(), name="integrations-report"),
    *router.urls,
]
