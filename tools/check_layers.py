"""Checks the house rules that a compiler does not: which folder includes which, and how large files are.

A folder under src/ may include only folders above it in LAYERS; heavy headers stay in .cpp files, and the event
loop stays in net/. Exits with 1 and a line per breach.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Each row may include the rows before it, and nothing else in its own row except itself.
LAYERS = [
    ["base"],
    ["io", "model", "transport"],
    ["storage", "wire"],
    ["query"],
    ["tsdb", "eventdb", "metadb", "promql", "logql", "search", "redact"],
    ["errors", "health", "metricinfo", "traces", "logs", "logmetrics", "metrics", "hostmetrics"],
    ["alerting", "oncall", "accounts", "dashboards", "quota"],
    ["ingest", "net", "config"],
    ["api"],
    ["server"],
]
# An engine is known to nobody but the one place that wires, and to tests.
ONLY_SERVER = {"tsdb", "eventdb", "metadb"}
HEAVY = re.compile(r"^(boost/|openssl/|simdjson|rapidjson/|sqlite3|yaml-cpp/|re2/|zstd|curl/|hs/|fmt/|grpc|date/)")
ONLY_IN = {re.compile(r"^boost/(asio|beast)"): {"net"}, re.compile(r"^curl/"): {"net"}, re.compile(r"^grpc"): {"net"}}
INCLUDE = re.compile(r'^\s*#include\s+(?:"([^"]+)"|<([^>]+)>)')
CAP_LINES = 800


def main():
    rank = {name: i for i, row in enumerate(LAYERS) for name in row}
    breaches = []
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src"], cwd=ROOT, capture_output=True, text=True).stdout
    for name in files.split():
        path = ROOT / name
        if path.suffix not in (".cpp", ".hpp") or not path.exists():
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in rank:
            breaches.append(f"{name}: folder {folder} is not in the list of layers")
            continue
        lines = path.read_text().split("\n")
        if len(lines) > CAP_LINES:
            breaches.append(f"{name}: {len(lines)} lines, over the cap of {CAP_LINES}")
        test = path.stem.endswith("_test") or path.stem.endswith("_rig") or "contract" in path.stem
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            own, system = found.groups()
            where = f"{name}:{number}"
            if own and "/" in own:
                other = own.split("/")[0]
                if other not in rank or other == folder:
                    continue
                if not test and rank[other] >= rank[folder]:
                    breaches.append(f"{where}: {folder} may not include {other}")
                if other in ONLY_SERVER and folder != "server" and not test:
                    breaches.append(f"{where}: {other} is an engine: only server/ and tests know it")
            if system:
                if path.suffix == ".hpp" and HEAVY.match(system):
                    breaches.append(f"{where}: <{system}> belongs in a .cpp file")
                for pattern, allowed in ONLY_IN.items():
                    if pattern.match(system) and folder not in allowed:
                        breaches.append(f"{where}: <{system}> is for {', '.join(allowed)} only")
    for breach in breaches:
        print(breach)
    print(f"layers: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
