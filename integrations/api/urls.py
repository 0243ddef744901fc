"""Routes of subscribers and deliveries."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from integrations.api.callbacks import CallbackView
from integrations.api.conflicts import ConflictViewSet
from integrations.api.connections import ConnectionViewSet
from integrations.api.deposits import DepositViewSet
from integrations.api.inbox_views import InboxViewSet
from integrations.api.links import LinkViewSet
from integrations.api.report import ReportView
from integrations.api.views import DeliveryViewSet, WebhookEndpointViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register(
    "webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint"
)
router.register("deposits", DepositViewSet, basename="deposit")
router.register("deliveries", DeliveryViewSet, basename="delivery")
router.register("integrations/connections", ConnectionViewSet, basename="connection")
router.register("integrations/conflicts", ConflictViewSet, basename="conflict")
router.register("integrations/links", LinkViewSet, basename="link")
router.register("integrations/inbox", InboxViewSet, basename="inbox")

urlpatterns = [
    path("integrations/report", ReportView.as_view(), name="integrations-report"),
    path("webhooks/<slug:vendor>/<str:token>", CallbackView.as_view(), name="callback"),
    *router.urls,
]
