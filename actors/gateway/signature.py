"""The signature of a webhook, as Standard Webhooks has it: whoever knows the secret can tell that we sent it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from engine.errors import ConfigurationError

_CODED = "whsec_"


def secret_key(secret: str) -> bytes:
    """The key of a secret: what follows `whsec_` in base64, or the text itself. Raises `ConfigurationError`."""
    if not secret.startswith(_CODED):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_CODED), validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"a webhook's secret begins with {_CODED} and is not base64") from error


def signed(key: bytes, *, id: str, time_s: float, body: bytes) -> Mapping[str, str]:
    """The headers that tell id and time of a message, and prove both and its body."""
    stamp = str(int(time_s))
    mac = hmac.new(key, b".".join((id.encode(), stamp.encode(), body)), hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac.digest()).decode()}"
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
