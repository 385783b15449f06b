"""A LiveKit room as a dialogue: every participant is a speaker."""

from actors.plugins.extra import require

require("livekit", extra="livekit")
