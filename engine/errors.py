"""Every error of the engine, as one tree; each knows whether trying again can help.

TurntoneError
├── BadInput            the record itself is wrong: a dead letter, never a retry
│   ├── BadSegment      headers, sizes, addresses
│   ├── BadMedia        what the value holds cannot be decoded
│   └── EnrolmentRefused  recordings a voice cannot be learned from
├── Unavailable         a server or a part is away: back off and try again
│   ├── StoreUnavailable
│   ├── TransportUnavailable
│   ├── InferenceUnavailable
│   └── SourceUnavailable
├── DecoderDied         a decoding process crashed or ran out of its limits: counts as an attempt
├── WorkerDied          the worker died every time it began a segment alone
├── MediaUnavailable    media that lies elsewhere does not come: counts as an attempt
├── LostOwnership       somebody else owns the dialogue or the partition now: stop, publish nothing
├── PublishFailed       a record was not acknowledged: stop the partition without a commit
├── SnapshotMismatch    a state of another model or layout
├── CheckpointError     a checkpoint that is missing, damaged or of another kind
└── ConfigurationError  what a person has to set right
"""


class TurntoneError(Exception):
    """Any error the engine raises on purpose."""

    retryable = False


class BadInput(TurntoneError):
    """The record can never succeed as it is."""


class BadSegment(BadInput):
    """The attributes of a segment are missing, malformed or not allowed."""


class BadMedia(BadInput):
    """The media of a segment cannot be decoded."""


class EnrolmentRefused(BadInput):
    """A voice cannot be learned from these recordings; the message says what would help."""


class Unavailable(TurntoneError):
    """A part the engine needs does not answer now."""

    retryable = True


class StoreUnavailable(Unavailable):
    """The state store does not answer."""


class TransportUnavailable(Unavailable):
    """The broker does not answer."""


class InferenceUnavailable(Unavailable):
    """The model server does not answer."""


class SourceUnavailable(Unavailable):
    """A live source does not answer or broke off."""


class DecoderDied(TurntoneError):
    """A decoding process crashed, hung or outgrew its limits."""

    retryable = True


class WorkerDied(TurntoneError):
    """The worker died every time it began a segment alone."""


class MediaUnavailable(TurntoneError):
    """The server a segment's media lies on does not answer: not the engine's own, so it holds up nobody else."""

    retryable = True


class LostOwnership(TurntoneError):
    """The store or the broker says that another worker owns this now."""


class PublishFailed(TurntoneError):
    """A published record was not acknowledged by the broker."""


class SnapshotMismatch(TurntoneError):
    """A dialogue's state was written by another model or in another layout."""


class CheckpointError(TurntoneError):
    """A checkpoint is missing, damaged, or not what it says it is."""


class ConfigurationError(TurntoneError):
    """A setting that a person has to put right."""
