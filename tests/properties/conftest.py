"""How many examples: 200 in ./test, thousands with HYPOTHESIS_PROFILE=long."""

import os

from hypothesis import HealthCheck, Phase, settings

_ALWAYS = {
    "deadline": None,  # a busy machine is no failure
    "print_blob": True,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        # Each example undoes what it wrote.
        HealthCheck.function_scoped_fixture,
    ],
}
settings.register_profile("short", max_examples=200, **_ALWAYS)
# While one writes: stop at the first failure, as it was found.
settings.register_profile(
    "draft", max_examples=200, phases=[Phase.explicit, Phase.generate], **_ALWAYS
)
settings.register_profile("long", max_examples=2000, **_ALWAYS)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
