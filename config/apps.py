"""Puts our admin site where Django expects one, and our commands."""

from django.apps import AppConfig

# The module, not the class: Django would find two configurations in here.
from django.contrib.admin import apps


class FieldbookAdminConfig(apps.AdminConfig):
    """Django's admin, with the site of the house."""

    default_site = "config.admin.FieldbookSite"


class ProjectConfig(AppConfig):
    """The project itself, for its commands."""

    name = "config"
