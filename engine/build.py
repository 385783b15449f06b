"""The composition root: configuration to parts. The one file that names concrete classes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.artifact import find, read
from engine.clock import Clock, SystemClock
from engine.config import Config
from engine.diarization.deferred import Deferred
from engine.diarization.online import OnlineDiarizer
from engine.diarization.pyannote import PyannotePipeline
from engine.diarization.registry import RegistrySettings
from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.loop import PartitionLoop
from engine.media.base import Decoder, Limits
from engine.media.claim import ClaimCheck
from engine.media.decode import InProcessDecoder
from engine.media.pool import DecoderPool
from engine.metrics import Metrics
from engine.models import LocalModels, Models, load_models
from engine.perceive import Perceiver
from engine.pipeline import Pipeline
from engine.policy import RoleGate
from engine.state.base import Store
from engine.state.memory import MemoryStore
from engine.state.redis import RedisStore
from engine.transport.base import Reader, Transport, read_all
from engine.transport.kafka import KafkaTransport
from engine.transport.kafka_reader import KafkaReader
from engine.transport.memory import MemoryBroker, MemoryReader, MemoryTransport
from engine.vad.webrtc import WebrtcDetector
from schemas.topics import SEGMENTS, STATES

LONGEST_TURN_S = 30.0


def build_models(config: Config) -> LocalModels:
    """The checkpoint's parts in this process; on a GPU where the configuration grants one."""
    artifact = read(find(config.model.checkpoint))
    return load_models(artifact, explain=config.model.explain, device="cuda" if config.model.num_gpus > 0 else "cpu")


def model_id(config: Config) -> str:
    """The id of the configured checkpoint."""
    return read(find(config.model.checkpoint)).model_id


def build_decoder(config: Config) -> DecoderPool:
    """Decoding processes; whoever builds them closes them."""
    return DecoderPool(processes=config.media.decoders, limits=_limits(config), deadline_s=config.media.deadline_s)


def build_pipeline(config: Config, *, model_id: str, decoder: Decoder, clock: Clock) -> Pipeline:
    """A segment's way up to the models and down again."""
    return Pipeline(
        model_id=model_id,
        gate=RoleGate(
            allowed=config.policy.allowed,
            denied=config.policy.denied,
            require_consent=config.policy.require_consent,
        ),
        decoder=decoder,
        claims=ClaimCheck(
            allowed=config.media.dataref_allowed,
            most_bytes=config.media.dataref_most_bytes,
            timeout_s=config.media.deadline_s,
        ),
        perceiver=Perceiver(
            vad=WebrtcDetector(),
            diarizer=OnlineDiarizer(pipeline=_diarization(config), registry=RegistrySettings()),
            faces=MtcnnLocator(detector=load_mtcnn()),
            speaking_face=speaking_face,
            longest_turn_s=LONGEST_TURN_S,
        ),
        clock=clock,
        on_model_change=config.dialogue.on_model_change,
    )


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
) -> PartitionLoop:
    """The loop of one worker over its parts."""

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
    )


def kafka_snapshots(config: Config) -> Callable[[], Reader]:
    """Readers of the snapshot topic, from its beginning."""
    return lambda: KafkaReader(bootstrap=_bootstrap(config), topics=[STATES], from_beginning=True)


@dataclass(frozen=True, slots=True)
class InProcess:
    """The whole engine in one process, over a log and a store in memory."""

    broker: MemoryBroker
    store: MemoryStore
    loop: PartitionLoop
    model_id: str


def build_in_process(config: Config, *, metrics: Metrics) -> InProcess:
    """The same engine without servers, for recordings of one's own: media is decoded in this process."""
    clock = SystemClock()
    models = build_models(config)
    broker, store = MemoryBroker(partitions=1), MemoryStore(clock=clock)
    loop = build_loop(
        config,
        transport=MemoryTransport(broker=broker, group=config.broker.group, topics=[SEGMENTS], member="in-process"),
        store=store,
        models=models,
        pipeline=build_pipeline(
            config, model_id=models.model_id, decoder=InProcessDecoder(limits=_limits(config)), clock=clock
        ),
        snapshots=lambda: MemoryReader(broker=broker, topics=[STATES], from_beginning=True),
        clock=clock,
        metrics=metrics,
    )
    return InProcess(broker=broker, store=store, loop=loop, model_id=models.model_id)


def _limits(config: Config) -> Limits:
    return Limits(frames_most=config.media.frames, duration_most_s=config.media.longest_s)


def _diarization(config: Config) -> Deferred:
    def build() -> PyannotePipeline:
        if config.diarization.pipeline == "embedded":
            return PyannotePipeline.embedded()
        return PyannotePipeline.from_pretrained(config.diarization.pipeline)

    return Deferred(build=build)


def _bootstrap(config: Config) -> str:
    if config.broker.bootstrap is None:
        raise ConfigurationError("setting broker.bootstrap: no broker; name one, or let `turntone up` start its own")
    return config.broker.bootstrap
