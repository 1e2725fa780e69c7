"""PromQL's test files over HTTP: what a file loads is written by remote write 2.0, each eval is asked as a client would. Our own
files always, Prometheus' where they are (TELLTALE_PROMQLTEST, default: shared/data/promqltest beside the checkout).
promql_conformance reads the files and tells them as JSON (src/promql/conformance/script.hpp)."""
import itertools
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import time

import pytest
import requests

from remote_write import V2, Symbols, snappy, v2
from server import ROOT, Telltale

DAY_MS = 86_400_000
# A whole number of many steps, so that subqueries keep their alignment; in the past, inside of what the server keeps.
SHIFT_MS = (int(time.time() * 1000) - 400 * DAY_MS) // 302_400_000 * 302_400_000
OWN = sorted((ROOT / "tests" / "corpus" / "promql").glob("*.test"))
FOREIGN = sorted(pathlib.Path(os.environ.get("TELLTALE_PROMQLTEST", ROOT.parent / "shared" / "data" / "promqltest")).glob("*.test"))
FEATURES = ["promql-experimental-functions", "promql-extended-range-selectors", "promql-binop-fill-modifiers",
            "promql-delayed-name-removal", "use-start-timestamps"]
HINTS = ("Prometheus tells of each histogram whether it was reset since the one before, by what its store has seen; ours keeps what the "
         "client told, so that the first of a window has no hint to conflict with")
KNOWN = {("native_histograms", "histogram_count(sum_over_time(mixed[2m]))"): HINTS,
         ("native_histograms", "histogram_count(avg_over_time(mixed[2m]))"): HINTS}
STALE_STAND_IN = 1.2345678912345e-77  # a float's way through Python may lose the stale marker's bits
STALE_BITS = (0x7FF0000000000002).to_bytes(8, "little")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    settings = folder / "telltale.yml"
    settings.write_text(json.dumps({"promql": {"features": FEATURES}, "ingest": {"max_past": "3650d"}, "host": {"enabled": False},
                                    "retention": {"metrics": "3650d"}}))
    made = Telltale(folder, ["--config", str(settings)]).start()
    yield made
    assert made.stop() == 0, made.log_tail()


def script(file):
    binary = pathlib.Path(os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))).resolve().parent / "promql_conformance"
    done = subprocess.run([binary, "--script", str(SHIFT_MS), str(file)], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Project:
    """A project of its own: what `clear` leaves behind belongs to another."""
    numbers = itertools.count()

    def __init__(self, server):
        made = server.api.post("/api/telltale/v1/projects", json={"slug": f"corpus{next(self.numbers)}", "name": "corpus"})
        assert made.status_code in (200, 201), made.text
        project = made.json()["project"]
        token = server.api.post("/api/telltale/v1/tokens", json={"name": project["slug"], "role": "admin", "project": project["id"]})
        assert token.status_code in (200, 201), token.text
        self.url = server.url
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token.json()['secret']}"

    def load(self, series) -> None:
        symbols, request = Symbols(), v2["Request"]()
        for s in series:
            one = request.timeseries.add(labels_refs=symbols.labels(**s["labels"]))
            for at, value, start in s["samples"]:
                if isinstance(value, str):
                    one.samples.add(timestamp=at, value=STALE_STAND_IN if value == "stale" else float(value), start_timestamp=start)
                else:
                    fill(one.histograms.add(timestamp=at, start_timestamp=start), value)
        request.symbols.extend(symbols.texts)
        body = request.SerializeToString().replace(struct.pack("<d", STALE_STAND_IN), STALE_BITS)
        answer = self.http.post(self.url + "/api/v1/write", data=snappy(body), timeout=30,
                                headers={"Content-Type": V2, "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "2.0.0"})
        assert answer.status_code == 204, answer.text

    def settle(self) -> None:
        """Deleting nothing waits until what was written is there."""
        answer = self.http.post(self.url + "/api/v1/admin/tsdb/delete_series", params={"match[]": '{__name__="none of them"}'}, timeout=30)
        assert answer.status_code == 204, answer.text

    def ask(self, path, **params):
        return self.http.post(f"{self.url}/api/v1/{path}", data=params, timeout=60)


def fill(h, value) -> None:
    h.count_float, h.sum, h.schema = float(value["count"]), float(value["sum"]), value["schema"]
    h.zero_threshold, h.zero_count_float, h.reset_hint = float(value["zero_threshold"]), float(value["zero_count"]), value["reset_hint"]
    for side in ("positive", "negative"):
        for offset, length in value[f"{side}_spans"]:
            getattr(h, f"{side}_spans").add(offset=offset, length=length)
        getattr(h, f"{side}_counts").extend(float(x) for x in value[f"{side}_counts"])
    h.custom_values.extend(float(x) for x in value["custom_values"])


def near(a, b) -> bool:
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-6 * max(abs(a), abs(b)) or abs(a - b) < 1e-300


def same_value(want, got) -> bool:
    if isinstance(want, str) or isinstance(got, str):
        return isinstance(want, str) and isinstance(got, str) and near(want, got)
    a, b = want["buckets"], got.get("buckets", [])
    return (near(want["count"], got["count"]) and near(want["sum"], got["sum"]) and len(a) == len(b)
            and all(x[0] == y[0] and all(map(near, x[1:], y[1:])) for x, y in zip(a, b)))


def samples_of(series) -> dict:
    lists = [series.get("values", []), series.get("histograms", []), [series[k] for k in ("value", "histogram") if k in series]]
    return {round(at * 1000): value for at, value in sorted((x for some in lists for x in some), key=lambda x: x[0])}


def wrong_annotations(want, answer) -> str:
    for kind, how, pattern in want:
        if kind.removeprefix("no_") not in ("warn", "info"):
            continue
        found = answer.get("warnings" if "warn" in kind else "infos", [])
        if kind.startswith("no_"):
            if found:
                return f"unexpected {found}"
        elif not any(how == "" or (a == pattern if how == "msg" else re.search(pattern, a)) for a in found):
            return f"no {kind} {pattern}, got {found}"
    return ""


def wrong(e, answer) -> str:
    """Why the answer is not what the file expects; empty if it is."""
    body = answer.json()
    if answer.status_code != 200:
        assert body["status"] == "error" and body["errorType"] in ("bad_data", "execution"), body
        if not e["fail"]:
            return f"{answer.status_code} {body['error']}"
        for kind, how, pattern in e["annotations"]:
            if kind == "fail" and how and not (pattern in body["error"] if how == "msg" else re.search(pattern, body["error"])):
                return f"wrong error: {body['error']}"
        return ""
    if e["fail"]:
        return "expected to fail"
    data = body["data"]
    if "text" in e:
        return "" if data["result"][1] == e["text"] else f"got {data['result']}"
    if data["resultType"] == "scalar":
        return "" if "scalar" in e and near(e["scalar"], data["result"][1]) else f"got {data['result']}"
    if len(data["result"]) != len(e["series"]):
        return f"{len(data['result'])} series, expected {len(e['series'])}: {data['result'][:3]}"
    by_labels = {json.dumps(s["metric"], sort_keys=True): (i, samples_of(s)) for i, s in enumerate(data["result"])}
    for i, want in enumerate(e["series"]):
        labels = json.dumps(want["labels"], sort_keys=True)
        if labels not in by_labels:
            return f"missing {labels}, got {list(by_labels)[:3]}"
        place, got = by_labels[labels]
        if e["ordered"] and place != i:
            return f"wrong order at {labels}"
        if e["range_vector"]:
            pairs = list(zip(want["samples"], got.values()))
            if len(want["samples"]) != len(got) or not all(same_value(w[1], g) for w, g in pairs):
                return f"{labels}: got {got}, expected {want['samples']}"
        elif [x[0] for x in want["samples"]] != list(got) or not all(same_value(v, got[t]) for t, v in want["samples"]):
            return f"{labels}: got {got}, expected {want['samples']}"
    return wrong_annotations(e["annotations"], body)


def wrong_middle(e, project) -> str:
    """An instant case asked as a range of three steps: the middle must be the same."""
    if e["fail"] or e["ordered"] or e["range_vector"] or "text" in e or re.search(r"(start|end|range|step)\(\)", e["query"]):
        return ""
    answer = project.ask("query_range", query=e["query"], start=(e["start"] - 60_000) / 1000, end=(e["start"] + 60_000) / 1000, step=60)
    if answer.status_code != 200:
        return f"as a range: {answer.text[:300]}"
    got = {json.dumps(s["metric"], sort_keys=True): samples_of(s).get(e["start"]) for s in answer.json()["data"]["result"]}
    got = {labels: value for labels, value in got.items() if value is not None}
    want = {json.dumps(s["labels"], sort_keys=True): s["samples"][0][1] for s in e["series"]}
    if "scalar" in e:
        want = {"{}": e["scalar"]}
    if want.keys() != got.keys() or not all(same_value(v, got[k]) for k, v in want.items()):
        return f"as a range: got {got}, expected {want}"
    return ""


@pytest.mark.parametrize("file", OWN + FOREIGN, ids=lambda f: f.stem)
def test_file_over_http(server, file):
    project, fresh, wrongs, passed, skipped = Project(server), True, [], 0, {}
    for command in script(file):
        if "clear" in command:
            project = project if fresh else Project(server)
            fresh = True
        elif "load" in command:
            if command["load"]:
                project.load(command["load"])
                project.settle()
                fresh = False
        else:
            e = command["eval"]
            if e["skip"]:
                skipped[e["skip"]] = skipped.get(e["skip"], 0) + 1
                continue
            path = "query" if e["instant"] else "query_range"
            times = {"time": e["start"] / 1000} if e["instant"] else {"start": e["start"] / 1000, "end": e["end"] / 1000, "step": e["step"] / 1000}
            why = wrong(e, project.ask(path, query=e["query"], **times)) or (wrong_middle(e, project) if e["instant"] else "")
            if (file.stem, e["query"]) in KNOWN:
                assert why, f"known to differ, but does not: {e['query']}"
                skipped[KNOWN[file.stem, e["query"]]] = skipped.get(KNOWN[file.stem, e["query"]], 0) + 1
            elif why:
                wrongs.append(f"{file.name}:{e['line']}: {e['query']}: {why}")
            else:
                passed += 1
    print(f"{file.name}: {passed} passed over HTTP, not to be told over HTTP: {skipped}")
    assert not wrongs, f"{len(wrongs)} of {passed + len(wrongs)}\n" + "\n".join(w[:600] for w in wrongs[:15])
    assert passed > 0
