"""What an event adds to the figures: names of counts, none of which says who spoke, where, or what."""

from typing import Final

from schemas.events import EmotionEvent

OTHER: Final = "other"
_MISSING: Final = {
    "withheld": "withheld",
    "no audio stream": "no_stream",
    "no video stream": "no_stream",
    "no video": "no_stream",
    "the audio stream cannot be decoded": "undecodable",
    "the video stream cannot be decoded": "undecodable",
    "no face found": "no_face",
    "face out of view while speaking": "out_of_view",
    "a still picture of a face": "still_picture",
    "the face is turned away": "turned_away",
    "the face is too small": "too_small",
    "the face is blurred": "blurred",
    "the checkpoint has no face encoder": "not_searched",
}
_SEVERAL: Final = "several faces"
MISSING: Final = (*dict.fromkeys(_MISSING.values()), "several_faces", OTHER)
"""Every word for why a modality is missing; a sentence that is new to this table is `other`."""


def tally(event: EmotionEvent) -> tuple[str, ...]:
    """The counts an event of a turn adds one to; what stands behind a colon is one of a few known words."""
    if event.revision:
        return ("revisions",)
    counts = ["turns"] if event.turn is not None else []
    if event.label is not None:
        counts.append(f"labels:{event.label}")
    if event.abstained is not None:
        counts.append(f"abstained:{event.abstained}")
    for modality, reason in (
        ("missing_audio", event.modalities.audio_missing),
        ("missing_video", event.modalities.video_missing),
    ):
        if reason is not None:
            counts.append(f"{modality}:{_word(reason)}")
    return tuple(counts)


def _word(reason: str) -> str:
    return "several_faces" if reason.startswith(_SEVERAL) else _MISSING.get(reason, OTHER)
