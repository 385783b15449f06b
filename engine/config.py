"""Configuration: TOML, environment and flags in one frozen object, read at the door and nowhere else."""

import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.errors import ConfigurationError
from schemas.events import Severity, Signed
from schemas.labels import Emotion
from schemas.topics import MAX_SEGMENT_BYTES

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Broker(_Section):
    """Where Kafka is. Without an address the embedded one is started."""

    bootstrap: str | None = None
    group: str = "turntone"
    partitions: Count = 4
    session_timeout_s: Positive = 6.0


class StoreSettings(_Section):
    """Where Redis is. Without an address the embedded Valkey is started."""

    url: SecretStr | None = None


class Policy(_Section):
    """The role gate: a role in `allowed` may be inferred; every other role, and an unknown one, may not."""

    allowed: frozenset[str] = frozenset({"customer", "performer"})
    denied: frozenset[str] = frozenset({"agent", "employee", "student"})
    """Denied whatever `allowed` says: the law forbids it at work and in education."""
    require_consent: bool = True
    identify_denied: bool = False
    """Tell denied voices of a mixed channel from the others instead of withholding all of it: they are compared, kept
    apart and dropped at the end."""


class DialogueSettings(_Section):
    """How long a dialogue lasts, and what a new model does to the open ones."""

    idle_s: Positive = 600.0
    """Silent for so long, a dialogue is ended."""
    keep_s: Positive = 86_400.0
    """The store forgets a record this long after its last write; at least three times `idle_s`."""
    on_model_change: Literal["restart", "refuse"] = "restart"
    revise: bool = True
    """Say a turn again when the turns after it change what is heard in it, where the checkpoint has learned to."""


class MediaSettings(_Section):
    """Limits on what is decoded, and where media may be fetched from."""

    decoders: Count = 1
    """Decoding processes a worker."""
    deadline_s: Positive = 30.0
    memory_bytes: Count = 2 * 1024 * 1024 * 1024
    """Address space of a decoding process."""
    most_bytes: Count = 256 * 1024 * 1024
    """Media larger than this is not decoded."""
    longest_s: Positive = 900.0
    """Nor is media that lasts longer than this."""
    pixels: Count = 3840 * 2160
    """Nor pictures larger than this, as they are coded."""
    streams: Count = 16
    """Nor a container with more streams than this."""
    frames: Count = 15
    """Frames looked at in a segment, evenly spread."""
    side_px: Count = 960
    """Longer side of such a frame; larger ones are scaled down."""
    dataref_allowed: tuple[str, ...] = ()
    dataref_most_bytes: Count = 256 * 1024 * 1024


class ModelSettings(_Section):
    """Which checkpoint, and where it runs."""

    checkpoint: str = "default"
    """A folder, a hub id, or one that ships with the engine: `default`, or `open`, of voices alone and for any use. It
    brings encoders, fusion and dialogue model."""
    num_gpus: Annotated[float, Field(ge=0)] = 0
    explain: bool = True
    """Measure how much each modality counted, by masking it: two more rows in the batch."""


class WorkerSettings(_Section):
    """How many workers, and how they pace themselves."""

    count: Count = 2
    most: Count | None = None
    """Up to so many, and never more than there are partitions, while segments wait; None: always `count`."""
    lag_each: Count = 50
    """So many segments that wait for each worker call for one more."""
    num_cpus: Positive = 0.1
    """What Ray reserves for a worker. On a machine of its own little, for nothing may wait for a place; on a cluster
    that grows by what is reserved, what a worker uses."""
    standby: bool = True
    """Keep one more worker warm, without partitions, so that a death costs no start-up."""
    wave: Count = 32
    """Dialogues that step together at the most."""
    threads: Count = 2
    """Segments perceived side by side."""
    attempts: Count = 3
    """Failures alone after which a segment goes to the dead letters."""
    commit_every_s: Annotated[float, Field(ge=0)] = 0.5


class Roles(_Section):
    """Roles of those for whom the producer gives none. The role gate decides on them like on any other."""

    name: Mapping[str, str] = {}
    """By the speaker's name."""
    channel: Mapping[str, str] = {}
    """By the recording's channel, from "0"."""
    first: str | None = None
    """Of who speaks first in a dialogue."""
    others: str | None = None
    """Of everybody else."""


class VoiceActivitySettings(_Section):
    """What of a segment is speech. Where an utterance ends in a stream is said in `[ingest]`."""

    detector: Literal["silero", "webrtc"] = "silero"
    """silero: few false alarms, 1.2 ms a second of sound. webrtc: a sixth of the time."""


class DiarizationSettings(_Section):
    """Who speaks where the producer does not say."""

    pipeline: str = "embedded"
    """`embedded`, or a hub id or a folder of a pyannote.audio pipeline."""
    speakers: Count | None = None
    """How many people speak in a dialogue at the most, where its producer does not say."""


class FaceSettings(_Section):
    """What counts as a face."""

    still: Literal["mask", "use"] = "mask"
    """A still picture of a face, while a voice is heard, is nobody's; in a corpus of pictures it is the speaker's."""


class IngestSettings(_Section):
    """Where a stream is cut into utterances, and how much of it may wait."""

    aggressiveness: Annotated[int, Field(ge=0, le=3)] = 2
    """Of the voice detector: 0 lets most pass, 3 is strictest."""
    hangover_s: Positive = 0.5
    """Silence that ends an utterance."""
    shortest_s: Positive = 0.25
    """Less speech than this is none."""
    longest_s: Annotated[float, Field(ge=5, le=120)] = 15.0
    """A longer utterance is cut at its quietest moment."""
    unheard_s: Annotated[float, Field(ge=1, le=60)] = 5.0
    """Pictures without sound are cut every so often."""
    buffer_s: Positive = 30.0
    """Sound that may wait to be cut; a live source loses the oldest of what is more."""
    buffer_mib: Count = 64
    """Segments that may wait for the broker; likewise."""


class AlertRule(_Section):
    """What has to be true of a speaker's turns for an alert. A condition that is left out holds."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    severity: Severity = "warning"
    roles: frozenset[str] = frozenset()
    """Whose turns it looks at; none: everybody's who may be inferred."""
    labels: frozenset[Emotion] = frozenset()
    """A turn's label is one of these."""
    emotions: frozenset[Emotion] = frozenset()
    probability: Annotated[float, Field(gt=0, le=1)] | None = None
    """A turn gives `emotions` at least this, all together."""
    valence_slope: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Change of valence a turn over the last `within` turns: at most this if negative, else at least this."""
    valence_low: Signed | None = None
    """At least one of the last `within` turns has at most this valence."""
    turns: Count = 1
    """How many turns have to fulfil the conditions on a turn ..."""
    within: Annotated[int, Field(ge=1, le=20)] | None = None
    """... of so many; left out: as many as `turns`, so in a row."""
    cooldown: Annotated[int, Field(ge=0)] = 10
    """Answered turns of the speaker after it fired at which it cannot fire again."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.labels and self.probability is None and self.valence_slope is None:
            raise ValueError(f"rule {self.name} has no condition: give labels, a probability or a valence_slope")
        if bool(self.emotions) != (self.probability is not None):
            raise ValueError(f"rule {self.name}: emotions and probability go together")
        if self.within is None and self.turns > 20:
            raise ValueError(f"rule {self.name}: a rule looks back at 20 turns at the most")
        if self.turns > (self.within or self.turns):
            raise ValueError(f"rule {self.name}: turns cannot be more than within")
        if self.valence_slope is not None and max(self.turns, self.within or 1) < 2:
            raise ValueError(f"rule {self.name}: a slope needs at least two turns; set within")
        return self


class AlertSettings(_Section):
    """Which alerts there are. Without a rule nothing is watched and nothing is kept for it."""

    presets: tuple[Literal["rising-anger", "distress", "recovery"], ...] = ()
    """Rules by name (engine/alerts/README.md)."""
    rules: tuple[AlertRule, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [*self.presets, *(rule.name for rule in self.rules)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are called {twice[0]}")
        return self


class MetricsSettings(_Section):
    """Where Prometheus finds the figures, and what its drift is measured against."""

    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Serve `/metrics` on it; 0 takes a free one. Without a port there is no page but the gateway's."""
    host: str = "127.0.0.1"
    expected: Mapping[Emotion, Annotated[float, Field(ge=0)]] = {}
    """Share of each label in a stream as it should be; without it, the first `drift_turns` are what is expected."""
    drift_turns: Count = 500
    """So many of the last turns are compared, their labels and their features."""


Secret = Annotated[SecretStr, Field(min_length=16)]
GatewayScope = Literal["segments:write", "dialogues:read", "events:read", "figures:read"]


class GatewayToken(_Section):
    """Somebody who may use the gateway."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    secret: Secret
    scopes: tuple[GatewayScope, ...] = get_args(GatewayScope)


class Webhook(_Section):
    """An address that events are sent to; those that are among everything that is given here."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    url: Annotated[str, Field(pattern=r"^https?://")]
    secret: Secret
    """Signs what is sent; `whsec_` and base64, or any text."""
    kinds: tuple[Literal["turn", "dialogue", "alert"], ...] = ()
    dialogues: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    labels: tuple[Emotion, ...] = ()
    attempts: Count = 8
    """After so many an event is given up."""
    timeout_s: Positive = 10.0


class TwilioSettings(_Section):
    """The account whose telephone streams are taken, each of which has to be signed with its token."""

    auth_token: Secret
    url: Annotated[str, Field(pattern=r"^wss://[^/?#\s]+/[^?#\s]*$")]
    """Where the TwiML sends the stream, letter for letter: `wss://your.host/v1/twilio`."""


class GatewaySettings(_Section):
    """The door for HTTP."""

    enabled: bool = True
    host: str = "127.0.0.1"
    """Another than the machine's own needs tokens of your own."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """None: 8477, or any free one where that is taken. 0: any free one."""
    token: Secret | None = None
    """One token with every scope. Without any token one is made at the start, and printed."""
    tokens: tuple[GatewayToken, ...] = ()
    requests_per_s: Positive = 50.0
    """For each token, in the long run."""
    burst: Count = 100
    """And so many at once."""
    most_bytes: Annotated[int, Field(ge=1, le=MAX_SEGMENT_BYTES)] = MAX_SEGMENT_BYTES
    """Media in one request."""
    buffer_mib: Annotated[int, Field(ge=8)] = 64
    """Media that may be on its way to the broker at once."""
    subscribers: Count = 1000
    kept_events: Count = 10_000
    """In memory: a subscriber may fall so far behind before it has to resume."""
    kept_turns: Count = 20_000
    """In memory, over all dialogues that are shown."""
    heartbeat_s: Positive = 15.0
    webhooks: tuple[Webhook, ...] = ()
    twilio: TwilioSettings | None = None
    """None: a telephone stream needs its token and no signature."""

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if not self.local and self.token is None and not self.tokens:
            raise ValueError(f"host {self.host} can be reached by others: set `token` or `tokens` first")
        for kind, named in (("tokens", self.tokens), ("webhooks", self.webhooks)):
            if len({one.name for one in named}) < len(named):
                raise ValueError(f"two {kind} have the same name")
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine reaches the host."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Config(BaseSettings):
    """Everything that can be set. `TURNTONE_WORKERS__COUNT=4` sets `[workers] count`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="TURNTONE_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    data: Path = Path.home() / ".turntone"
    """Folder of the embedded servers' data."""
    broker: Broker = Broker()
    store: StoreSettings = StoreSettings()
    policy: Policy = Policy()
    roles: Roles = Roles()
    dialogue: DialogueSettings = DialogueSettings()
    media: MediaSettings = MediaSettings()
    model: ModelSettings = ModelSettings()
    workers: WorkerSettings = WorkerSettings()
    vad: VoiceActivitySettings = VoiceActivitySettings()
    diarization: DiarizationSettings = DiarizationSettings()
    faces: FaceSettings = FaceSettings()
    ingest: IngestSettings = IngestSettings()
    metrics: MetricsSettings = MetricsSettings()
    gateway: GatewaySettings = GatewaySettings()
    alerts: AlertSettings = AlertSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file, so that one setting can be changed for one run."""
        return env_settings, init_settings


def read_config(path: Path | None = None, **flags: Any) -> Config:
    """The configuration of a TOML file, the environment and flags, the later winning.

    Raises `ConfigurationError` with one sentence that names the setting.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text())
        except OSError as error:
            raise ConfigurationError(f"cannot read the configuration {path}: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"the configuration {path} is not TOML: {error}") from error
    try:
        config = Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"setting {setting}: {first['msg'].removeprefix('Value error, ')}") from error
    config = config.model_copy(update={name: value for name, value in flags.items() if value is not None})
    if config.dialogue.keep_s < 3 * config.dialogue.idle_s:
        raise ConfigurationError("setting dialogue.keep_s: has to be at least three times dialogue.idle_s")
    return config
