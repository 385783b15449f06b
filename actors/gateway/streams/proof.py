"""Twilio's proof that it is Twilio: a signature on the request that opens a stream, under the account's own token.

Source: Twilio, "Webhooks Security", X-Twilio-Signature: the base64 of HMAC-SHA1 over the address and, of a form, its
fields; the request for a WebSocket has none. The address is that of the TwiML, letter for letter, with `wss://`.
"""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

HEADER = "x-twilio-signature"


class TwilioProof:
    """What one account's streams to one address are signed with.

    Twilio itself does not always sign the port that an address names (its own validators take both), so neither has to
    be there.
    """

    def __init__(self, *, auth_token: str, url: str) -> None:
        parts = urlsplit(url)
        portless = parts.netloc.removesuffix(f":{parts.port}")
        self._right = [_signed(auth_token, each) for each in (url, parts._replace(netloc=portless).geturl())]

    def holds(self, signature: str | None) -> bool:
        """Whether a signature, or none, is Twilio's. Takes the same time for every one."""
        given = (signature or "").encode()
        return any([hmac.compare_digest(right, given) for right in self._right])


def _signed(auth_token: str, text: str) -> bytes:
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest())
