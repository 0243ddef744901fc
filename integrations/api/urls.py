"""Routes of subscribers and deliveries."""

from rest_framework.routers import SimpleRouter

from integrations.api.views import DeliveryViewSet, WebhookEndpointViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register(
    "webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint"
)
router.register("deliveries", DeliveryViewSet, basename="delivery")

urlpatterns = router.urls
