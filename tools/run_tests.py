"""Runs the unit-test programs of a build and, unless --unit, the Python suites, and adds up their cases.

Each unit-test program is a GoogleTest binary (or fuzz_smoke and conformance runners, which close with
"N passed, N failed"). The last line of the output is the sum over everything: "N passed, N failed".
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed", re.M)


def run_gtest(program: pathlib.Path, tmp: pathlib.Path, timeout: int):
    report = tmp / (program.name + ".json")
    done = subprocess.run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], cwd=ROOT,
                          capture_output=True, text=True, errors="replace", timeout=timeout)
    if not report.exists():
        print(done.stdout[-4000:], done.stderr[-4000:])
        return 0, 1
    data = json.loads(report.read_text())
    failed = data["failures"] + data.get("errors", 0)
    if failed or done.returncode:
        print(done.stdout[-8000:], done.stderr[-4000:])
        failed = max(failed, 1)
    return data["tests"] - failed - data.get("disabled", 0), failed


def run_closing(program: pathlib.Path, args, timeout: int):
    done = subprocess.run([program, *args], cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=timeout)
    found = CLOSING.findall(done.stdout)
    if not found or done.returncode:
        print(done.stdout[-8000:], done.stderr[-4000:])
    if not found:
        return 0, 1
    passed, failed = map(int, found[-1])
    return passed, max(failed, 1 if done.returncode else 0)


def run_pytest(python: str, folder: pathlib.Path, tmp: pathlib.Path, env):
    report = tmp / "pytest.xml"
    done = subprocess.run([python, "-m", "pytest", "-q", "-x" if os.environ.get("FAIL_FAST") else "-q",
                           f"--junitxml={report}", str(folder)], cwd=ROOT, env=env)
    if not report.exists():
        return 0, 1
    suite = ET.parse(report).getroot()
    suite = suite if suite.tag == "testsuite" else suite[0]
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    skipped = int(suite.get("skipped"))
    return int(suite.get("tests")) - failed - skipped, max(failed, 1 if done.returncode not in (0, 5) else 0)


def run_web(folder: pathlib.Path, tmp: pathlib.Path):
    """Types, unit tests, the size budget of what was built, and that the API's types are those of its document."""
    npx = ["npx", "--no-install"]
    schema = tmp / "api-schema.d.ts"
    report = tmp / "vitest.json"
    commands = {
        "types": [*npx, "tsc", "--noEmit"],
        "size budget": ["node", "scripts/size.mjs"],
        "API types": [*npx, "openapi-typescript", "../src/api/own/openapi.json", "-o", str(schema)],
        "unit tests": [*npx, "vitest", "run", "--reporter=json", f"--outputFile={report}"],
    }
    passed = failed = 0
    for name, command in commands.items():
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=300)
        ok = done.returncode == 0
        if name == "API types":
            ok = ok and schema.read_text() == (folder / "src/lib/api-schema.d.ts").read_text()
        if name == "unit tests" and report.exists():
            data = json.loads(report.read_text())
            passed += data["numPassedTests"]
            failed += max(data["numFailedTests"], 0 if ok else 1)
        else:
            passed += ok
            failed += not ok
        if not ok:
            print(f"web {name}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--unit", action="store_true", help="only the unit tests")
    parser.add_argument("--only", help="only unit-test programs whose name contains this")
    args = parser.parse_args()
    build = (ROOT / args.build).resolve()
    totals = [0, 0]

    def add(name, started, result):
        totals[0] += result[0]
        totals[1] += result[1]
        print(f"{'ok  ' if not result[1] else 'FAIL'} {name}: {result[0]} passed, {result[1]} failed "
              f"in {time.monotonic() - started:.1f} s", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        tmp = pathlib.Path(folder)
        for program in sorted(build.glob("src/*_test")):
            if not args.only or args.only in program.name:
                started = time.monotonic()
                add(program.name, started, run_gtest(program, tmp, 600))
        smoke = build / "fuzz" / "fuzz_smoke"
        if smoke.exists() and not args.only:
            started = time.monotonic()
            add("fuzz_smoke", started, run_closing(smoke, [], 300))
        for language in ("logql", "promql"):
            cases = build / "src" / f"{language}_conformance"
            if cases.exists() and (not args.only or args.only in cases.name):
                started = time.monotonic()
                files = sorted(str(f) for f in (ROOT / "tests" / "corpus" / language).glob("*.test"))
                add(cases.name, started, run_closing(cases, ["-q", *files], 300))
        if not args.unit and not args.only:
            if (ROOT / "web" / "node_modules").exists():
                started = time.monotonic()
                add("web", started, run_web(ROOT / "web", tmp))
            env = dict(os.environ, TELLTALE_BIN=str(build / "telltale"))
            for suite in ("tests/e2e", "examples/stockapp"):
                if (ROOT / suite).exists():
                    started = time.monotonic()
                    add(suite, started, run_pytest(args.python, ROOT / suite, tmp, env))
    print(f"{totals[0]} passed, {totals[1]} failed", flush=True)
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
