"""A Flask application with a Sentry SDK, as its documentation says: flask_app.py PORT DSN RELEASE.

The same file runs with the newest SDK and with the one of Debian 12.
"""
import asyncio
import logging
import sys

import flask
import sentry_sdk
from sentry_sdk.integrations.flask import FlaskIntegration

PORT, DSN, RELEASE = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class OutOfStock(Exception):
    pass


class CheckoutFailed(Exception):
    pass


class Gone(Exception):
    """Expected: nobody wants to hear of it."""


def drop_expected(event, hint):
    return None if "expected" in str(hint.get("exc_info", ("", "", ""))[1]) else event


sentry_sdk.init(dsn=DSN, release=RELEASE, environment="staging", integrations=[FlaskIntegration()], ignore_errors=[Gone],
                before_send=drop_expected)
app = flask.Flask(__name__)
logger = logging.getLogger("shop.payments")


class Shelf:
    pass


def take(shelf, way):
    if way == "1":
        raise OutOfStock(f"nothing left of 1234567 in {object.__repr__(shelf)}")

    # Further down, the same.
    raise OutOfStock(f"nothing left of 1234567 in {object.__repr__(shelf)}")


@app.before_request
def who():
    sentry_sdk.set_user({"id": "u-42", "email": "ann@example.com"})
    sentry_sdk.set_tag("request_id", flask.request.headers.get("X-Request-Id", ""))


@app.get("/healthz")
def healthz():
    return "ok"


@app.get("/buy")
def buy():
    return take(Shelf(), flask.request.args["way"])


@app.get("/chained")
def chained():
    try:
        take(Shelf(), "1")
    except OutOfStock as error:
        raise CheckoutFailed("the order was not placed") from error


@app.get("/log")
def log():
    logger.error("payment of %s failed", flask.request.args["amount"])
    return "logged"


@app.get("/async")
def in_a_task():
    async def pay():
        await asyncio.sleep(0)
        raise TimeoutError("the bank did not answer")

    async def both():
        await asyncio.gather(asyncio.create_task(pay()), asyncio.sleep(0))

    asyncio.run(both())


@app.get("/gone")
def gone():
    raise Gone("this page is gone")


@app.get("/expected")
def expected():
    raise ValueError("expected, too")


if __name__ == "__main__":
    app.run(port=PORT)
