"""Routes of messages."""

from rest_framework.routers import SimpleRouter

from notifications.api.views import NotificationViewSet, ReplyViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("notifications", NotificationViewSet, basename="notification")
router.register("replies", ReplyViewSet, basename="reply")

urlpatterns = router.urls
