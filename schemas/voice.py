"""An enrolled voice: what is kept of a person who asked to be recognised by name. It is biometric data."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.message import Message
from schemas.segment import Name, Time


class EnrolledVoice(Message):
    """No sound of the voice, and nothing else of the person."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: Name
    centroid: bytes = Field(repr=False)
    """`[D]` float32, little-endian: the mean of the voice's embeddings."""
    seconds: Annotated[float, Field(gt=0)]
    """Speech it was learned from."""
    embedding: str
    """Which embedding model it was learned with: centroids of two models cannot be compared."""
    role: Name | None = None
    consent_at: Time
    """When the person's consent to this was stated."""
    expires_at: Time

    def expired(self, now: datetime) -> bool:
        """Whether it is to be forgotten by now."""
        return now >= self.expires_at
