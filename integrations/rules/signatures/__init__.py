"""Is a callback from whom it says? Pure: bytes, headers, secrets and `now` come in.

`verify` asks the scheme of a vendor; each scheme also stands alone. All return None
for a good one, else why they refuse it.
"""

from integrations.rules.signatures.by_vendor import verify
from integrations.rules.signatures.callbacks import WINDOW_SECONDS, Callback, Refusal

__all__ = ["WINDOW_SECONDS", "Callback", "Refusal", "verify"]
