"""Commands: serve the application, drive it like users would, switch faults."""
import argparse
import logging
import os
import signal
import sys

import requests

from stockapp import settings as settings_module
from stockapp.faults import FAULTS


def serve(_arguments) -> int:
    import sentry_sdk
    from werkzeug.serving import make_server

    from stockapp import telemetry
    from stockapp.app import create_app

    settings = settings_module.from_environment()
    app = create_app(settings)
    server = make_server("127.0.0.1", settings.port, app, threaded=True)
    server.daemon_threads = True

    def stop(_signal, _frame) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    logging.getLogger("stockapp").info("stockapp listens on http://127.0.0.1:%d", server.server_port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    app.extensions["stockapp"].close()
    telemetry.drain_logs()
    sentry_sdk.flush(timeout=3)
    return 0


def load(arguments) -> int:
    from stockapp.load import drive

    return drive(arguments.url, arguments.rate, arguments.duration, arguments.seed, arguments.users)


def fault(arguments) -> int:
    address = f"{arguments.url}/admin/faults/{arguments.name}"
    if arguments.state == "on":
        answer = requests.post(address, json={"rate": arguments.rate} if arguments.rate else {}, timeout=10)
    else:
        answer = requests.delete(address, timeout=10)
    print(answer.text.strip(), file=sys.stdout if answer.ok else sys.stderr)
    return 0 if answer.ok else 1


def main() -> int:
    default_url = f"http://127.0.0.1:{os.environ.get('STOCKAPP_PORT', 5050)}"
    parser = argparse.ArgumentParser(prog="stockapp", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve", help="run the application")
    command.set_defaults(run=serve)
    command = commands.add_parser("load", help="drive the application like users would")
    command.add_argument("--url", default=default_url)
    command.add_argument("--rate", type=float, default=5.0, help="requests a second")
    command.add_argument("--duration", type=float, default=0.0, help="seconds; 0 runs until interrupted")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--users", type=int, default=20)
    command.set_defaults(run=load)
    command = commands.add_parser("fault", help="switch a fault: " + ", ".join(FAULTS))
    command.add_argument("name")
    command.add_argument("state", choices=("on", "off"))
    command.add_argument("--rate", type=float, help="share of requests that are hit, 0..1")
    command.add_argument("--url", default=default_url)
    command.set_defaults(run=fault)
    arguments = parser.parse_args()
    return arguments.run(arguments)
