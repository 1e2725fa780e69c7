"""What parses as LogQL: our parser beside Grafana's own grammar, @grafana/lezer-logql, over every query of the corpus.

Known differences stand in tests/corpus/logql/lezer_differences.txt with their reasons; any other fails.
"""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CORPUS = ROOT / "tests" / "corpus" / "logql"
CLIENTS = ROOT / "tests" / "e2e" / "clients"


def queries():
    found = set()
    for file in CORPUS.glob("*.test"):
        for line in file.read_text().split("\n"):
            case = re.match(r"eval (parses|format|lines|labels|log|instant|range|fails)\b[^:]*: (.+)$", line)
            if case:
                found.add(case[2].strip())
    return sorted(found)


def verdicts(command, lines, cwd):
    done = subprocess.run(command, input="\n".join(lines) + "\n", cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answer = done.stdout.split()
    assert len(answer) == len(lines)
    return answer


def test_the_parser_agrees_with_grafanas_grammar():
    lines = queries()
    assert len(lines) > 300
    server = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    binary = pathlib.Path(server).resolve().parent / "logql_conformance"
    ours = verdicts([binary, "--parse"], lines, ROOT)
    lezer = verdicts(["node", "parses.mjs"], lines, CLIENTS)
    seen = {("only ours" if own == "ok" else "only lezer", query)
            for query, own, other in zip(lines, ours, lezer) if own != other}
    known = {tuple(line.split("\t", 1)) for line in (CORPUS / "lezer_differences.txt").read_text().split("\n")
             if "\t" in line}
    assert seen == {(who, query.strip()) for who, query in known}
