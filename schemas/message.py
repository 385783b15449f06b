"""The one base of every message: frozen, and tolerant of fields a later version added."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Values on the wire. A new field has a default, a type never changes, old bytes decode for ever."""

    model_config = ConfigDict(frozen=True, extra="ignore")
