"""What Prometheus keeps behind flags is off, is refused by the flag's name, and is turned on by it in the settings."""
import json
import os
import subprocess

from server import ROOT, Telltale, free_port

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


def test_a_rule_file_that_uses_what_is_off_is_refused_when_it_is_read(tmp_path):
    """At the start, at a reload and by the check: each names the rule and the feature."""
    rules, settings = tmp_path / "rules.yml", tmp_path / "telltale.yml"
    good = "groups:\n- name: g\n  rules:\n  - record: r\n    expr: up\n"
    bad = good + "  - alert: Few\n    expr: limitk(1, up) == 0\n"
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))

    def says(text):
        return "rule Few" in text and "promql-experimental-functions" in text

    def write(features):
        settings.write_text(json.dumps({"rules": {"files": [str(rules)]}, "promql": {"features": features}}))

    write([])
    rules.write_text(bad)
    done = subprocess.run([binary, "serve", "--config", str(settings), "--data-dir", str(tmp_path / "refused"), "--listen",
                           f"127.0.0.1:{free_port()}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and says(done.stderr), done.stderr
    checked = subprocess.run([binary, "check", "rules", str(rules)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 1 and says(checked.stdout), checked.stdout
    rules.write_text(good)
    server = Telltale(tmp_path, ["--config", str(settings)]).start()
    try:
        rules.write_text(bad)
        refused = server.api.post("/-/reload")
        assert refused.status_code == 400 and says(refused.text), (refused.status_code, refused.text)
        names = [rule["name"] for group in server.api.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        assert names == ["r"]
        write(["promql-experimental-functions"])
        checked = subprocess.run([binary, "check", "rules", "--config", str(settings), str(rules)], capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        server.restart()
        names = [rule["name"] for group in server.api.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
        assert names == ["r", "Few"]
    finally:
        server.stop()
