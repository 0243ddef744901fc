"""Routes of users and sessions, below /api/v1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.api import auth_views
from accounts.api.user_views import UserViewSet

_router = SimpleRouter(trailing_slash=False, use_regex_path=False)
_router.register("users", UserViewSet, basename="user")

urlpatterns = [
    path("auth/token", auth_views.SignIn.as_view()),
    path("auth/token/refresh", auth_views.Refresh.as_view()),
    path("auth/logout", auth_views.SignOut.as_view()),
    path("auth/password", auth_views.OwnPassword.as_view()),
    path("auth/me", auth_views.Me.as_view()),
    *_router.urls,
]
