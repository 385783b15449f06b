"""The composition root: configuration to parts. The one file that names concrete classes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from engine.alerts.rule import PRESETS, Rule
from engine.artifact import find, model_id_of, read
from engine.clock import Clock, SystemClock
from engine.config import Config
from engine.diarization.clustering import ClusteringSettings
from engine.diarization.deferred import Deferred
from engine.diarization.local import Separator
from engine.diarization.online import OnlineDiarizer
from engine.diarization.pyannote import PyannotePipeline
from engine.diarization.registry import RegistrySettings
from engine.diarization.resemblyzer import WEIGHTS as RESEMBLYZER
from engine.diarization.resemblyzer import load_resemblyzer
from engine.diarization.separator import VoiceSeparator
from engine.diarization.windows import WindowEmbedder
from engine.enrolled import EnrolledVoices
from engine.enrolment import Enroller
from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.faces.unread import Unsearched, no_face
from engine.identify import Identifier
from engine.layers.silero import load_silero
from engine.loop import PartitionLoop
from engine.media.base import Decoder, Limits
from engine.media.claim import ClaimCheck
from engine.media.pool import DecoderPool
from engine.metrics import Metrics
from engine.models import LocalModels, Models, load_models
from engine.perceive import Perceiver
from engine.pipeline import Pipeline, Portray
from engine.policy import RoleGate
from engine.roles import Roles
from engine.state.base import Store
from engine.state.memory import MemoryStore
from engine.state.redis import RedisStore
from engine.state.voices import VoiceStore
from engine.state.voices_file import FileVoices
from engine.state.voices_redis import RedisVoices
from engine.tracing import Trace
from engine.transport.base import Reader, Transport, read_all
from engine.transport.kafka import KafkaTransport
from engine.transport.kafka_reader import KafkaReader
from engine.transport.memory import MemoryBroker, MemoryReader, MemoryTransport
from engine.vad.base import VoiceActivityDetector
from engine.vad.silero import SileroDetector
from engine.vad.webrtc import WebrtcDetector
from schemas.topics import SEGMENTS, STATES

LONGEST_TURN_S = 30.0
ROOM_S = 0.1
"""What the encoders hear around a turn: with less, the default checkpoint answers worse (engine/vad/README.md)."""


def build_models(config: Config) -> LocalModels:
    """The checkpoint's parts in this process; on a GPU where the configuration grants one."""
    artifact = read(find(config.model.checkpoint))
    return load_models(
        artifact,
        explain=config.model.explain,
        device="cuda" if config.model.num_gpus > 0 else "cpu",
        revise=config.dialogue.revise,
    )


def model_id(config: Config) -> str:
    """The id of the configured checkpoint."""
    return model_id_of(find(config.model.checkpoint))


def build_decoder(config: Config) -> DecoderPool:
    """Decoding processes; whoever builds them closes them."""
    media = config.media
    return DecoderPool(
        processes=media.decoders,
        limits=limits(config),
        memory_bytes=media.memory_bytes,
        cpu_s=media.deadline_s,
        deadline_s=media.deadline_s,
    )


def limits(config: Config) -> Limits:
    """What one piece of media may cost."""
    media = config.media
    return Limits(
        bytes_most=media.most_bytes,
        frames_most=media.frames,
        side_most_px=media.side_px,
        pixels_most=media.pixels,
        duration_most_s=media.longest_s,
        streams_most=media.streams,
    )


def build_pipeline(
    config: Config, *, model_id: str, decoder: Decoder, clock: Clock, portray: Portray | None = None
) -> Pipeline:
    """A segment's way up to the models and down again; `portray`: see `Pipeline`."""
    gate = RoleGate(
        allowed=config.policy.allowed,
        denied=config.policy.denied,
        require_consent=config.policy.require_consent,
        identify_denied=config.policy.identify_denied,
    )
    return Pipeline(
        model_id=model_id,
        gate=gate,
        decoder=decoder,
        claims=ClaimCheck(
            allowed=config.media.dataref_allowed,
            most_bytes=config.media.dataref_most_bytes,
            timeout_s=config.media.deadline_s,
        ),
        identifier=Identifier(
            gate=gate,
            roles=Roles(
                name=config.roles.name,
                channel=config.roles.channel,
                first=config.roles.first,
                others=config.roles.others,
            ),
            voices=EnrolledVoices(store=build_voices(config, clock=clock), embedding=embedding_id(config), clock=clock),
            perceiver=build_perceiver(config),
            speakers=config.diarization.speakers,
        ),
        clock=clock,
        on_model_change=config.dialogue.on_model_change,
        rules=build_rules(config),
        portray=portray,
    )


def build_rules(config: Config) -> tuple[Rule, ...]:
    """The alerts' rules: the presets that are named, then those that are spelled out."""
    spelled = (
        Rule(
            name=rule.name,
            severity=rule.severity,
            roles=sorted(rule.roles),
            labels=sorted(rule.labels),
            emotions=sorted(rule.emotions),
            probability=rule.probability or 0.0,
            valence_slope=rule.valence_slope,
            valence_low=rule.valence_low,
            turns=rule.turns,
            within=rule.within or rule.turns,
            cooldown=rule.cooldown,
        )
        for rule in config.alerts.rules
    )
    return (*(PRESETS[name] for name in config.alerts.presets), *spelled)


def build_enroller(config: Config) -> Enroller:
    """What learns a voice by name, with the parts that will recognise it."""
    return Enroller(vad=build_vad(config), diarizer=_diarizer(config))


def build_perceiver(config: Config) -> Perceiver:
    """The stages before the models; faces are searched for only if the checkpoint reads them."""
    sees = read(find(config.model.checkpoint)).sees
    return Perceiver(
        vad=build_vad(config),
        diarizer=_diarizer(config),
        faces=_locator(config) if sees else Unsearched(),
        speaking_face=speaking_face if sees else no_face,
        longest_turn_s=LONGEST_TURN_S,
        room_s=ROOM_S,
    )


def build_vad(config: Config) -> VoiceActivityDetector:
    """What tells speech from silence inside a segment."""
    if config.vad.detector == "webrtc":
        return WebrtcDetector()
    return SileroDetector(network=load_silero())


def build_voices(config: Config, *, clock: Clock) -> VoiceStore:
    """The enrolled voices: in the store that is configured, or else in the folder of the embedded servers' data."""
    if config.store.url is None:
        return FileVoices(folder=config.data.expanduser() / "voices", clock=clock)
    return RedisVoices.connect(config.store.url.get_secret_value(), clock=clock)


def embedding_id(config: Config) -> str:
    """Which model the configured pipeline describes voices with: a hash of its weights, or its id on the hub."""
    pipeline = config.diarization.pipeline
    source = RESEMBLYZER if pipeline == "embedded" else Path(pipeline)
    if not source.exists():
        return pipeline
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    digest = sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def build_store(config: Config) -> RedisStore:
    """The store of the configured address."""
    if config.store.url is None:
        raise ConfigurationError("setting store.url: no store; name one, or let `turntone up` start the embedded one")
    return RedisStore.connect(config.store.url.get_secret_value())


def build_transport(config: Config, *, slot: str) -> KafkaTransport:
    """A member of the consumer group, under the name of its worker's slot."""
    return KafkaTransport(
        bootstrap=_bootstrap(config),
        group=config.broker.group,
        topics=[SEGMENTS],
        member=slot,
        session_timeout_s=config.broker.session_timeout_s,
    )


def build_loop(
    config: Config,
    *,
    transport: Transport,
    store: Store,
    models: Models,
    pipeline: Pipeline,
    snapshots: Callable[[], Reader],
    clock: Clock,
    metrics: Metrics,
    trace: Trace | None = None,
) -> PartitionLoop:
    """The loop of one worker over its parts; `trace`: see `PartitionLoop`."""

    def read_snapshots() -> Iterable[tuple[str, bytes | None]]:
        reader = snapshots()
        try:
            for incoming in read_all(reader):
                if incoming.key is not None:
                    yield incoming.key, incoming.value
        finally:
            reader.close()

    return PartitionLoop(
        transport=transport,
        store=store,
        models=models,
        pipeline=pipeline,
        snapshots=read_snapshots,
        clock=clock,
        metrics=metrics,
        wave_most=config.workers.wave,
        threads=config.workers.threads,
        attempts_most=config.workers.attempts,
        record_ttl_s=config.dialogue.keep_s,
        commit_every_s=config.workers.commit_every_s,
        trace=trace,
    )


def kafka_snapshots(config: Config) -> Callable[[], Reader]:
    """Readers of the snapshot topic, from its beginning."""
    return lambda: KafkaReader(bootstrap=_bootstrap(config), topics=[STATES], from_beginning=True)


@dataclass(frozen=True, slots=True)
class InProcess:
    """The whole engine in one process, over a log and a store in memory; only media is decoded in another."""

    broker: MemoryBroker
    store: MemoryStore
    loop: PartitionLoop
    decoder: DecoderPool
    group: str
    """The consumer group its loop belongs to."""
    model_id: str

    def close(self) -> None:
        """End the decoding process."""
        self.decoder.close()


def build_in_process(
    config: Config, *, metrics: Metrics, portray: Portray | None = None, trace: Trace | None = None
) -> InProcess:
    """The same engine without servers; who builds it closes it. `portray`: see `Pipeline`, `trace`: `PartitionLoop`."""
    clock = SystemClock()
    models = build_models(config)
    broker, store, decoder = MemoryBroker(partitions=1), MemoryStore(clock=clock), build_decoder(config)
    group = config.broker.group
    loop = build_loop(
        config,
        transport=MemoryTransport(broker=broker, group=group, topics=[SEGMENTS], member="in-process"),
        store=store,
        models=models,
        pipeline=build_pipeline(config, model_id=models.model_id, decoder=decoder, clock=clock, portray=portray),
        snapshots=lambda: MemoryReader(broker=broker, topics=[STATES], from_beginning=True),
        clock=clock,
        metrics=metrics,
        trace=trace,
    )
    return InProcess(broker=broker, store=store, loop=loop, decoder=decoder, group=group, model_id=models.model_id)


def build_segment_detector() -> SileroDetector:
    """What tells the speech of a segment: the little that silero hears there calls for more doubt and wider edges."""
    return SileroDetector(network=load_silero(), threshold=0.06, release=0.045, padding_s=0.1)


def build_separator() -> VoiceSeparator:
    """The embedded separator of the voices of a segment."""
    return VoiceSeparator(
        detect=build_segment_detector().detect,
        embedder=WindowEmbedder(encoder=load_resemblyzer()),
        clustering=ClusteringSettings(),
        registry=RegistrySettings(),
    )


def _locator(config: Config) -> MtcnnLocator:
    return MtcnnLocator(detector=load_mtcnn(), still_pictures=config.faces.still == "use")


def _diarizer(config: Config) -> OnlineDiarizer:
    return OnlineDiarizer(pipeline=_diarization(config), registry=RegistrySettings())


def _diarization(config: Config) -> Deferred:
    def build() -> Separator:
        if config.diarization.pipeline == "embedded":
            return build_separator()
        return PyannotePipeline.from_pretrained(config.diarization.pipeline)

    return Deferred(build=build)


def _bootstrap(config: Config) -> str:
    if config.broker.bootstrap is None:
        raise ConfigurationError("setting broker.bootstrap: no broker; name one, or let `turntone up` start its own")
    return config.broker.bootstrap
