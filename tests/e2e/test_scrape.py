"""Scraping: what comes in is what the Prometheus client library's own parsers read from the same exporter; node_exporter
beside our own measuring of the host; targets, pools and jobs that cannot run."""
import json
import math
import os
import shutil
import subprocess
import time

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from exposition import Exporter, random_registry
from server import free_port, wait_until

OPENMETRICS = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"
ASKED_AS = {"text": "text/plain;version=0.0.4", "utf8": "text/plain;version=1.0.0;escaping=allow-utf-8"}
REPORTS = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"}


def config_file(folder, jobs) -> str:
    path = folder / "prometheus.yml"
    path.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}))
    return str(path)


def series_of(server, job) -> dict:
    """{(name, labels): value} of what a job's target gave, without the labels that scraping adds."""
    out = {}
    for series in server.api.query(f'{{job="{job}"}}'):
        labels = {k: v for k, v in series["metric"].items() if k not in ("job", "instance")}
        name = labels.pop("__name__")
        if name not in REPORTS:
            out[name, tuple(sorted(labels.items()))] = float(series["value"][1])
    return out


def expected(families) -> dict:
    """The same of parsed families: an empty label is none, a bound is a float, `_created` is no series."""
    out = {}
    for family in families:
        for sample in family.samples:
            if family.type in ("counter", "histogram", "summary") and sample.name.endswith("_created"):
                continue
            labels = {k: v for k, v in sample.labels.items() if v != ""}
            if family.type == "histogram" and "le" in labels:
                labels["le"] = bound(float(labels["le"]))
            out[sample.name, tuple(sorted(labels.items()))] = sample.value
    return out


def bound(value: float) -> str:
    if math.isinf(value):
        return "+Inf"
    text = f"{value:.17g}" if value >= 1e6 else repr(value)
    if value >= 1e6:
        mantissa, _, exponent = f"{value:e}".partition("e")
        text = mantissa.rstrip("0").rstrip(".") + "e" + exponent
    return text if "." in text or "e" in text else text + ".0"


def test_every_format_gives_what_the_client_librarys_parser_reads(make_server, tmp_path):
    seed = int(os.environ.get("TELLTALE_SEED", time.time_ns() % 2**32))
    print("seed", seed)
    registry = random_registry(seed)
    exporter = Exporter(registry)
    protocols = {"text": "PrometheusText0.0.4", "utf8": "PrometheusText1.0.0", "open": "OpenMetricsText1.0.0", "proto": "PrometheusProto"}
    server = make_server(["--host.enabled=false", "--prometheus.config_file", config_file(tmp_path, [
        {"job_name": job, "scrape_protocols": [protocol], "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        for job, protocol in protocols.items()])])
    try:
        for job in protocols:
            wait_until(lambda job=job: series_of(server, job), 20, what=f"samples of {job}")
        for job in protocols:
            # The client library escapes names for those who do not know better, so its own answer is what is compared with.
            accept = OPENMETRICS if job in ("open", "proto") else next(a for a in exporter.asked if a.startswith(ASKED_AS[job]))
            answer = requests.get(f"http://127.0.0.1:{exporter.port}/", headers={"Accept": accept}, timeout=10)
            read = read_openmetrics if job in ("open", "proto") else read_text
            # Text has the creation times as gauges of their own.
            want = {k: v for k, v in expected(read(answer.content.decode())).items() if not k[0].endswith("_created")}
            got = {k: v for k, v in series_of(server, job).items() if not k[0].endswith("_created")}
            assert got == want, f"{job}, seed {seed}"
        assert any(a.startswith("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6")
                   for a in exporter.asked)
        assert any(a.startswith("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6") for a in exporter.asked)
    finally:
        exporter.stop()


def test_exemplars_and_descriptions_of_scraped_metrics_can_be_asked_for(make_server, tmp_path):
    registry = CollectorRegistry()
    calls = Counter("shop_calls", "Calls of the shop.", ["path"], registry=registry)
    calls.labels("/a").inc(3, exemplar={"trace_id": "4bf92f3577b34da6"})
    exporter = Exporter(registry)
    server = make_server(["--host.enabled=false", "--prometheus.config_file", config_file(tmp_path, [
        {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}])])
    try:
        def exemplars():
            end = time.time() + 60
            return server.api.get("/api/v1/query_exemplars", query="shop_calls_total", start=end - 3600, end=end)["data"]

        found = wait_until(exemplars, 20, what="the exemplar")
        assert found[0]["seriesLabels"]["path"] == "/a" and found[0]["seriesLabels"]["job"] == "shop"
        assert [e["labels"] for e in found[0]["exemplars"]] == [{"trace_id": "4bf92f3577b34da6"}]
        described = server.api.get("/api/v1/metadata")["data"]
        assert described["shop_calls"] == [{"type": "counter", "help": "Calls of the shop.", "unit": ""}]
        # A scrape that says the same again adds nothing.
        calls.labels("/a").inc(1)
        wait_until(lambda: server.api.query("shop_calls_total == 4"), 20, what="a scrape more")
        assert len(exemplars()[0]["exemplars"]) == 1
        calls.labels("/a").inc(1, exemplar={"trace_id": "0000000000000001"})
        wait_until(lambda: len(exemplars()[0]["exemplars"]) == 2, 20, what="the next exemplar")
    finally:
        exporter.stop()


@pytest.fixture
def node_exporter():
    binary = shutil.which("prometheus-node-exporter")
    if not binary:
        pytest.skip("Debian's prometheus-node-exporter is not installed")
    port = free_port()
    # Debian leaves out more than node_exporter itself does: the loopback interface, mounts below /run, /mnt and /media.
    # Newer versions leave out compressed memory disks.
    process = subprocess.Popen([binary, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
                                "--collector.netdev.device-exclude=^$",
                                "--collector.diskstats.device-exclude=^(loop|z?ram|fd|[hsv]d[a-z]|xvd[a-z]|nvme[0-9]+n[0-9]+p)[0-9]+$",
                                "--collector.filesystem.mount-points-exclude=^/(proc|sys|dev)($|/)"])
    wait_until(lambda: process.poll() is not None or reachable(f"http://127.0.0.1:{port}/"), 20, what="node_exporter")
    assert process.poll() is None
    yield port
    process.terminate()
    process.wait(10)


def reachable(url) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def test_our_own_host_metrics_are_those_of_node_exporter(make_server, tmp_path, node_exporter):
    server = make_server(["--host.interval", "1s", "--prometheus.config_file", config_file(tmp_path, [
        {"job_name": "exporter", "static_configs": [{"targets": [f"127.0.0.1:{node_exporter}"]}]}])])
    wait_until(lambda: series_of(server, "exporter") and series_of(server, "node"), 20, what="both to be measured")
    ours, theirs = series_of(server, "node"), series_of(server, "exporter")
    names = {name for name, _ in theirs}
    shared = {name for name, _ in ours} & names
    assert {"node_cpu_seconds_total", "node_memory_MemTotal_bytes", "node_load1", "node_boot_time_seconds", "node_uname_info",
            "node_filefd_allocated", "node_vmstat_pgpgin"} <= shared
    collectors = {dict(labels)["collector"] for name, labels in ours if name == "node_scrape_collector_success"}

    def of(series):
        return {(name, labels) for name, labels in series if name in shared
                and dict(labels).get("collector", "cpu") in collectors}

    assert of(ours) - of(theirs) == set()
    assert of(theirs) - of(ours) == set()
    unknown = {name for name, _ in ours} - names
    assert not {n for n in unknown if n.startswith(("node_cpu", "node_memory", "node_disk", "node_filesystem", "node_load"))}, unknown
    for name in ("node_memory_MemTotal_bytes", "node_boot_time_seconds", "node_filesystem_size_bytes", "node_filefd_maximum"):
        for key in [k for k in ours if k[0] == name]:
            assert ours[key] == pytest.approx(theirs[key], rel=1e-6, abs=1), key
    for name in ("node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_filesystem_avail_bytes"):
        for key in [k for k in ours if k[0] == name]:
            assert ours[key] == pytest.approx(theirs[key], rel=0.2, abs=60), key
    # The usual alerts' expressions have something to say.
    for expression in ("100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\",job=\"node\"}[1m])) * 100",
                       "1 - node_memory_MemAvailable_bytes{job=\"node\"} / node_memory_MemTotal_bytes{job=\"node\"}",
                       "up{job=\"node\"} == 1"):
        wait_until(lambda e=expression: server.api.query(e), 20, what=expression)


def test_targets_pools_and_what_is_not_scraped(make_server, tmp_path):
    exporter = Exporter(random_registry(1))
    listing = tmp_path / "sd.json"
    listing.write_text(json.dumps([{"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"team": "t"}}]))
    server = make_server(["--host.enabled=false", "--prometheus.config_file", config_file(tmp_path, [
        {"job_name": "good", "file_sd_configs": [{"files": ["sd.json"]}],
         "static_configs": [{"targets": ["127.0.0.1:1", "gone:2"]}],
         "relabel_configs": [{"source_labels": ["__address__"], "regex": "gone.*", "action": "drop"}]},
        {"job_name": "pods", "kubernetes_sd_configs": [{"role": "pod"}]}])])
    try:
        def targets(**params):
            return server.api.get("/api/v1/targets", **params)["data"]

        wait_until(lambda: {t["health"] for t in targets()["activeTargets"]} == {"up", "down"}, 20, what="both states")
        data = targets()
        up = next(t for t in data["activeTargets"] if t["health"] == "up")
        assert up["labels"] == {"instance": f"127.0.0.1:{exporter.port}", "job": "good", "team": "t"}
        assert up["discoveredLabels"]["__meta_filepath"] == str(listing)
        assert up["scrapeInterval"] == "1s" and up["lastError"] == ""
        assert next(t for t in data["activeTargets"] if t["health"] == "down")["lastError"]
        assert data["droppedTargetCounts"] == {"good": 1}
        assert [t["discoveredLabels"]["__address__"] for t in data["droppedTargets"]] == ["gone:2"]
        assert data["disabledPools"][0]["scrapePool"] == "pods" and "kubernetes_sd_configs" in data["disabledPools"][0]["reason"]
        assert targets(state="dropped")["activeTargets"] == []
        assert targets(state="active")["droppedTargets"] == []
        assert targets(scrapePool="other")["activeTargets"] == []
        assert server.api.get("/api/v1/scrape_pools")["data"]["scrapePools"] == ["good"]
        assert server.api.http.get(server.url + "/api/v1/targets?state=odd", timeout=10).status_code == 400
        said = server.api.get("/api/v1/targets/metadata", match_target='{team="t"}', limit=3)["data"]
        assert len(said) == 3 and all(m["target"]["team"] == "t" and m["metric"] and m["type"] and m["help"] for m in said)
        one = server.api.get("/api/v1/targets/metadata", metric=said[0]["metric"])["data"]
        assert len(one) == 1 and "metric" not in one[0]
        assert server.api.get("/api/v1/targets/metadata", match_target='{team="other"}')["data"] == []
        steps = server.api.get("/api/v1/targets/relabel_steps", scrapePool="good", labels='{"__address__": "gone:2"}')["data"]["steps"]
        assert [(s["rule"]["action"], s["keep"]) for s in steps] == [("drop", False)]
        # A target that leaves its file ends.
        listing.write_text("[]")
        wait_until(lambda: len(targets()["activeTargets"]) == 1, 20, what="the target to leave")
        wait_until(lambda: not server.api.query('up{team="t"}'), 20, what="its series to end")
    finally:
        exporter.stop()


def test_promtool_finds_no_fault_with_our_own_metrics(module_server):
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("Debian's prometheus is not installed")
    answer = requests.get(module_server.url + "/metrics", headers={"Authorization": f"Bearer {module_server.token}"}, timeout=10)
    assert answer.status_code == 200
    checked = subprocess.run([promtool, "check", "metrics"], input=answer.content, capture_output=True, timeout=30)
    assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()
