"""Tests of the compose files: what they mount exists, and says the same as they do."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from callmon.config import Config, load_config
from callmon.feeds.settings import MqttSettings, SimulatorSettings

ROOT = Path(__file__).parent.parent
FILES = ("compose.yml", "compose.ha.yml")
OURS = "callmon:latest"

WRITES_ITS_ROOT = {"grafana"}
"""Not known to run with a read-only root."""

INTERPOLATED = re.compile(r"\$\{\w+:-([^}]*)\}")


def _file(name: str) -> dict[str, Any]:
    """Return a compose file as it is read when no variable is set."""
    loaded: dict[str, Any] = yaml.safe_load(INTERPOLATED.sub(r"\1", (ROOT / name).read_text()))
    return loaded


SERVICES = [
    pytest.param(service, id=f"{file}:{name}")
    for file in FILES
    for name, service in _file(file)["services"].items()
]


def _mounts(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is mounted where."""
    for mount in service.get("volumes", []):
        source, target, *_ = mount.split(":")
        yield source, target


def _config(folder: str, replica: str = "a") -> Config:
    return load_config(ROOT / folder / "callmon.yml", {"CALLMON_REPLICA": replica})


@pytest.mark.parametrize("service", SERVICES)
def test_every_mounted_file_exists(service: dict[str, Any]) -> None:
    """A path that is missing would be made by Docker, as an empty folder of root's."""
    missing = [
        source
        for source, _ in _mounts(service)
        if source.startswith(".") and not (ROOT / source).exists()
    ]

    assert [] == missing


@pytest.mark.parametrize("service", SERVICES)
def test_files_of_ours_cannot_be_written(service: dict[str, Any]) -> None:
    """What is mounted from the project is mounted read-only."""
    ours = [mount for mount in service["volumes"] if mount.startswith(".")]

    assert all(mount.endswith(":ro") for mount in ours)


@pytest.mark.parametrize("service", SERVICES)
def test_only_this_machine_reaches_the_ports(service: dict[str, Any]) -> None:
    """Nothing here asks for a password before Grafana's: no port is published further."""
    assert [] == [port for port in service["ports"] if not port.startswith("127.0.0.1:")]


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned_to_a_release(service: dict[str, Any]) -> None:
    """The same file starts the same programs tomorrow; ours is built."""
    if service["image"] == OURS:
        assert "." == service["build"]
    else:
        assert re.fullmatch(r"docker\.io/[a-z-]+/[a-z-]+:v?\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_do_as_little_as_possible(service: dict[str, Any]) -> None:
    """No capability, no new rights, bounded memory, a root that cannot be written."""
    image = service["image"].rpartition("/")[2].partition(":")[0]

    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert (image not in WRITES_ITS_ROOT) is service["read_only"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_comes_back_and_says_how_it_is(service: dict[str, Any]) -> None:
    """It is restarted after a crash, and its health is asked for: ours by its image."""
    assert "unless-stopped" == service["restart"]
    assert (service["image"] == OURS) is ("healthcheck" not in service)


@pytest.mark.parametrize("name", FILES)
def test_volumes_are_declared_and_belong_to_one_service(name: str) -> None:
    """A journal, or a memory of what was sent, is never shared."""
    file = _file(name)
    used = [
        source
        for service in file["services"].values()
        for source, _ in _mounts(service)
        if not source.startswith(".")
    ]

    assert sorted(file["volumes"]) == sorted(used)


@pytest.mark.parametrize("name", FILES)
def test_ports_of_the_machine_are_taken_once(name: str) -> None:
    """No two services want the same port."""
    taken = [
        port.rpartition(":")[0]
        for service in _file(name)["services"].values()
        for port in service["ports"]
    ]

    assert len(taken) == len(set(taken))


def _hosts_of_prometheus(path: str) -> dict[str, set[str]]:
    """Return the hosts a Prometheus scrapes by job, and tells, under ``alerting``."""
    loaded = yaml.safe_load((ROOT / path).read_text())
    named = {"alerting": loaded["alerting"]["alertmanagers"][0]}
    named |= {job["job_name"]: job for job in loaded["scrape_configs"]}
    return {
        name: {
            target.partition(":")[0]
            for group in section["static_configs"]
            for target in group["targets"]
        }
        for name, section in named.items()
    }


def _services(name: str, image: str) -> set[str]:
    return {key for key, each in _file(name)["services"].items() if image in each["image"]}


@pytest.mark.parametrize(
    ("name", "folder", "prometheus"),
    [
        ("compose.yml", "compose/callmon", "compose/prometheus.yml"),
        ("compose.ha.yml", "compose/ha/callmon", "compose/ha/prometheus.yml"),
    ],
)
def test_everybody_knows_everybody_by_name(name: str, folder: str, prometheus: str) -> None:
    """Every callmon tells each Alertmanager; Prometheus scrapes each callmon, tells each."""
    config, hosts = _config(folder), _hosts_of_prometheus(prometheus)
    alertmanagers = {urlsplit(each.url).hostname for each in config.alertmanagers}
    brokers = {feed.host for feed in config.feeds if isinstance(feed, MqttSettings)}

    assert _services(name, "/alertmanager:") == alertmanagers
    assert _services(name, "/alertmanager:") == hosts["alerting"] == hosts["alertmanager"]
    assert _services(name, OURS) == hosts["callmon"]
    assert _services(name, "mosquitto:") == brokers


@pytest.mark.parametrize("folder", ["compose/callmon", "compose/ha/callmon"])
def test_the_mounted_configuration_is_good(folder: str) -> None:
    """No mistake and no warning; it listens where a published port leads."""
    config = _config(folder)

    assert () == tuple(config.warnings)
    assert ("0.0.0.0", 9877) == (config.server.host, config.server.port)
    assert Path("/var/lib/callmon") == config.storage_directory


def test_the_simulated_centre_can_breach_within_minutes() -> None:
    """Who starts compose.yml sees an alert soon: one caller waits longer than a limit."""
    config = _config("compose/callmon")
    (practice,) = (feed for feed in config.feeds if isinstance(feed, SimulatorSettings))
    (threshold,) = (one for one in config.thresholds if one.name == "long_wait")

    assert practice.long_wait is not None
    assert practice.long_wait.wait > threshold.limits.limit


def test_replicas_differ_by_their_name_at_the_broker_only() -> None:
    """Both callmons read one configuration; what differs is client_id, journal and port."""
    services = _file("compose.ha.yml")["services"]
    a, b = _config("compose/ha/callmon", "a"), _config("compose/ha/callmon", "b")
    (feed_a,), (feed_b,) = a.feeds, b.feeds

    assert isinstance(feed_a, MqttSettings)
    assert isinstance(feed_b, MqttSettings)
    assert ("callmon-a", "callmon-b") == (feed_a.client_id, feed_b.client_id)
    assert a.thresholds == b.thresholds
    assert dataclasses.replace(feed_a, client_id="") == dataclasses.replace(
        feed_b, client_id=""
    )
    for service, replica in (("callmon-a", "a"), ("callmon-b", "b")):
        assert {"CALLMON_REPLICA": replica} == services[service]["environment"]


def test_the_pair_of_alertmanagers_is_a_pair() -> None:
    """Each names the other, and both listen for that."""
    services = _file("compose.ha.yml")["services"]

    for one, other in (
        ("alertmanager-a", "alertmanager-b"),
        ("alertmanager-b", "alertmanager-a"),
    ):
        assert f"--cluster.peer={other}:9094" in services[one]["command"]
        assert "--cluster.listen-address=0.0.0.0:9094" in services[one]["command"]


def test_alerts_of_both_prometheus_look_alike() -> None:
    """No external label, and no replica on the alerts of queues, tells them apart."""
    loaded = yaml.safe_load((ROOT / "compose/ha/prometheus.yml").read_text())
    rules = yaml.safe_load((ROOT / "alertmanager/rules/callmon.yml").read_text())
    queue_rules = [rule["expr"] for rule in rules["groups"][0]["rules"]]

    assert "external_labels" not in loaded["global"]
    assert [] == [one for one in queue_rules if "without (instance, job, replica)" not in one]


def test_alerts_are_grouped_and_inhibited_as_shipped() -> None:
    """Only the receivers differ: until a site names its own, nobody is told."""
    shipped, ours = (
        yaml.safe_load((ROOT / folder / "alertmanager.yml").read_text())
        for folder in ("alertmanager", "compose/alertmanager")
    )
    settings = ("group_by", "group_wait", "group_interval", "repeat_interval")

    assert [{"name": "nobody"}] == ours["receivers"]
    assert shipped["inhibit_rules"] == ours["inhibit_rules"]
    assert [shipped["route"][name] for name in settings] == [
        ours["route"][name] for name in settings
    ]


def test_grafana_finds_its_data_and_its_dashboards() -> None:
    """The provisioning's variables are set, its folders mounted, the first page is there."""
    grafana = _file("compose.yml")["services"]["grafana"]
    folder = ROOT / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "callmon.yml").read_text())
    providers = yaml.safe_load((folder / "dashboards" / "callmon.yml").read_text())

    assert ["prometheus", "alertmanager"] == [one["uid"] for one in sources["datasources"]]
    for source in sources["datasources"]:
        variable = re.fullmatch(r"\$\{(\w+)\}", source["url"])
        assert variable
        host = urlsplit(grafana["environment"][variable[1]]).hostname
        assert host in _file("compose.yml")["services"]
    mounted = {target: ROOT / source for source, target in _mounts(grafana)}
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    for path in (home, *(one["options"]["path"] for one in providers["providers"])):
        (target,) = (each for each in mounted if path.startswith(f"{each}/"))
        assert (mounted[target] / path.removeprefix(f"{target}/")).exists()


@pytest.mark.parametrize("name", FILES)
def test_a_queue_alert_means_the_same_in_both_settings_of_prometheus(name: str) -> None:
    """As in the shipped prometheus.yml: labels are not renamed, the rules are loaded."""
    path = "compose/prometheus.yml" if name == "compose.yml" else "compose/ha/prometheus.yml"
    loaded = yaml.safe_load((ROOT / path).read_text())
    (job,) = (one for one in loaded["scrape_configs"] if one["job_name"] == "callmon")

    assert job["honor_labels"] is True
    assert ["/etc/prometheus/rules/*.yml"] == loaded["rule_files"]
    for service in _file(name)["services"].values():
        if "/prometheus:" in service["image"]:
            assert ("./alertmanager/rules", "/etc/prometheus/rules") in set(_mounts(service))
