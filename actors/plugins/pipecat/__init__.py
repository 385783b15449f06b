"""A voice agent hears how the user feels: Turntone as a processor of a Pipecat pipeline."""

from actors.plugins.extra import require

require("pipecat", extra="pipecat")
