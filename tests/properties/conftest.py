"""How many examples: 200 in ./test, thousands with HYPOTHESIS_PROFILE=long."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "short",
    max_examples=200,
    deadline=None,  # a busy machine is no failure
    print_blob=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        # Each example undoes what it wrote.
        HealthCheck.function_scoped_fixture,
    ],
)
_SHORT = settings.get_profile("short")
settings.register_profile("long", _SHORT, max_examples=2000)
# While one writes: stop at the first failure, as it was found.
settings.register_profile("draft", _SHORT, phases=[Phase.explicit, Phase.generate])
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
