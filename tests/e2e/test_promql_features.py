"""What Prometheus keeps behind flags is off, is refused by the flag's name, and is turned on by it in the settings."""
import json
import os
import subprocess

from server import ROOT

OFF = {
    "limitk(1, up)": "promql-experimental-functions",
    "rate(up[5m] anchored)": "promql-extended-range-selectors",
    "up + fill(0) up": "promql-binop-fill-modifiers",
}


def ask(server, query):
    return server.api.http.get(f"{server.url}/api/v1/query", params={"query": query}, timeout=30)


def test_what_is_off_is_refused_by_its_flag(module_server):
    for query, flag in OFF.items():
        answer = ask(module_server, query)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errorType"] == "bad_data" and flag in answer.json()["error"], answer.text
    rule = module_server.api.post("/api/telltale/v1/alert-rules",
                                  json={"project": 1, "name": "off", "language": "promql", "expr": "limitk(1, up) == 0"})
    assert rule.status_code == 400 and "promql-experimental-functions" in rule.text, rule.text
    assert ask(module_server, "rate(up[step() * 5 + 1m])").status_code == 200
    assert ask(module_server, "histogram_count(up </ 3)").status_code == 200


def test_the_setting_turns_it_on(make_server, tmp_path):
    config = tmp_path / "telltale.yml"
    config.write_text(json.dumps({"promql": {"features": sorted(set(OFF.values()))}}))
    server = make_server(["--config", str(config)])
    for query in OFF:
        assert ask(server, query).status_code == 200, query


def test_an_unknown_feature_is_named(tmp_path):
    config = tmp_path / "telltale.yml"
    config.write_text(json.dumps({"promql": {"features": ["promql-everything"]}}))
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    done = subprocess.run([binary, "check", "config", str(config)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "promql.features" in done.stdout and "promql-everything" in done.stdout, done.stdout
