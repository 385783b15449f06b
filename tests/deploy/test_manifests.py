"""What the world is told fits the code: schemas, topics, ports, the image's name, configurations that are read."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from actors.embedded.topics import turntone_topics
from engine.config import read_config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
VERSION = "1.33"
IMAGE = "turntone:0.1.0"
CONFIGS = sorted((DEPLOY / "config").glob("*.toml"))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment brings there: a gateway that others reach has a token."""
    monkeypatch.setenv("TURNTONE_GATEWAY__TOKEN", "0123456789abcdef0123456789abcdef")


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


COMPOSE = documents(DEPLOY / "compose.yaml")[0]
RAY = documents(KUBERNETES / "rayservice.yaml")[0]
CLUSTER = RAY["spec"]["rayClusterConfig"]
GROUPS = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]
PODS = {
    **{f"ray {i}": group["template"]["spec"] for i, group in enumerate(GROUPS)},
    "supervisor": documents(KUBERNETES / "supervisor.yaml")[0]["spec"]["template"]["spec"],
}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_is_read(path):
    read_config(path)


def test_the_compose_file_is_one():
    parsed = PyCompose.from_yaml((DEPLOY / "compose.yaml").read_text())
    assert set(parsed.service_names()) == {"kafka", "valkey", "turntone", "prometheus", "grafana"}


def test_a_compose_file_with_a_wrong_key_is_found():
    with pytest.raises(ValueError, match="imagine"):
        PyCompose.from_yaml("services: {kafka: {image: a, imagine: b}}")


def test_what_the_containers_are_given_is_there():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_turntone_in_compose_listens_where_its_ports_say_and_finds_its_servers():
    config = read_config(DEPLOY / "config" / "compose.toml", data=None)
    services = COMPOSE["services"]
    inside = {port.rpartition(":")[2] for port in services["turntone"]["ports"]}
    assert inside == {str(config.gateway.port), str(config.metrics.port)}
    assert f"INSIDE://{config.broker.bootstrap}" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert config.store.url.get_secret_value().startswith("redis://valkey:")
    assert services["turntone"]["image"] == IMAGE
    assert int(services["turntone"]["stop_grace_period"].rstrip("s")) > 30
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"] == [{"targets": [f"turntone:{config.metrics.port}"]}]
    own = read_config(DEPLOY / "config" / "own-servers.toml")
    assert f"HOST://{own.broker.bootstrap}" in services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_nothing_listens_to_the_world():
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("document", documents(KUBERNETES / "supervisor.yaml"), ids=lambda each: each["kind"])
def test_the_supervisors_manifests_are_kubernetes_own(document):
    kubernetes_validate.validate(document, VERSION, strict=True)


@pytest.mark.parametrize("name", PODS)
def test_every_pod_is_one_and_runs_the_same_image_with_its_configuration(name):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": PODS[name]}
    kubernetes_validate.validate(pod, VERSION, strict=True)
    (container,) = PODS[name]["containers"]
    assert container["image"] == IMAGE
    assert {"name": "config", "mountPath": "/etc/turntone", "readOnly": True} in container["volumeMounts"]
    assert {"name": "config", "configMap": {"name": "turntone"}} in PODS[name]["volumes"]


def test_a_pod_with_a_wrong_key_is_found():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": {**PODS["ray 0"], "imagined": []}}
    with pytest.raises(kubernetes_validate.ValidationError, match="imagined"):
        kubernetes_validate.validate(pod, VERSION, strict=True)


def test_the_cluster_runs_the_ray_that_is_installed_and_puts_up_the_models_that_there_are():
    import ray

    from actors.fusion_server import served
    from actors.remote_models import APP

    assert CLUSTER["rayVersion"] == ray.__version__
    (application,) = yaml.safe_load(RAY["spec"]["serveConfigV2"])["applications"]
    assert application["name"] == APP
    assert application["import_path"] == f"{served.__module__}:{served.__name__}"
    assert Path(application["args"]["config"]).name == "cluster.toml"
    built = served({"config": str(DEPLOY / "config" / "cluster.toml")})
    assert built._bound_deployment.name == "FusionServer"


def test_the_cluster_has_room_for_the_most_workers_and_the_models():
    config = read_config(DEPLOY / "config" / "cluster.toml")
    (group,) = CLUSTER["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    processors = float(container["resources"]["limits"]["cpu"])
    assert config.workers.most is not None
    assert config.workers.most <= config.broker.partitions
    assert group["maxReplicas"] * processors > config.workers.most * config.workers.num_cpus
    assert group["minReplicas"] * processors > config.workers.count * config.workers.num_cpus


def test_there_is_one_supervisor_and_its_ports_are_the_configurations():
    deployment, service = documents(KUBERNETES / "supervisor.yaml")
    config = read_config(DEPLOY / "config" / "cluster.toml")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"gateway": config.gateway.port, "metrics": config.metrics.port}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == ports


def test_the_supervisor_may_join_the_cluster():
    (container,) = PODS["supervisor"]["containers"]
    (token,) = [each for each in container["env"] if each["name"] == "RAY_AUTH_TOKEN"]
    assert CLUSTER["authOptions"] == {"mode": "token", "secretName": token["valueFrom"]["secretKeyRef"]["name"]}
    head = RAY["metadata"]["name"] + "-head-svc"
    assert f"ray start --address={head}:6379 " in container["args"][0]


def test_the_topics_are_those_of_the_code():
    config = read_config(DEPLOY / "config" / "cluster.toml")
    declared = {
        topic["spec"]["topicName"]: (topic["spec"]["partitions"], topic["spec"]["config"])
        for topic in documents(KUBERNETES / "topics.yaml")
    }
    assert declared == {
        topic.name: (topic.partitions, {"min.insync.replicas": "2", **topic.settings})
        for topic in turntone_topics(partitions=config.broker.partitions)
    }


def test_kustomization_names_files_that_there_are():
    (kustomization,) = documents(KUBERNETES / "kustomization.yaml")
    (generated,) = kustomization["configMapGenerator"]
    assert all((KUBERNETES / name).is_file() for name in (*kustomization["resources"], *generated["files"]))
    (image,) = kustomization["images"]
    assert f"{image['newName']}:{image['newTag']}" == IMAGE


def test_the_image_is_built_from_what_there_is_with_the_torch_that_the_project_names():
    text = (DEPLOY / "Containerfile").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    for name in ("torch", "torchaudio"):
        (pinned,) = re.findall(rf'"({name}==[\d.]+)"', project)
        assert text.count(pinned) == 2
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE):
        assert all((ROOT / source).exists() for source in copied.split())
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert {f"!{source}" for source in ("schemas", "engine", "simulators", "actors", "pyproject.toml")} <= set(allowed)
