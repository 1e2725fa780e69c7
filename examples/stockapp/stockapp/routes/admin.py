"""Switches for the faults; only this machine may use them."""
import logging

from flask import Blueprint, abort, jsonify, request

from stockapp.faults import FAULTS, UnknownFault
from stockapp.routes import services

blueprint = Blueprint("admin", __name__, url_prefix="/admin/faults")
log = logging.getLogger("stockapp.admin")


@blueprint.before_request
def only_from_here() -> None:
    if request.remote_addr not in ("127.0.0.1", "::1", None):
        abort(403, "faults are switched from the same machine only")


@blueprint.get("")
def listing():
    return jsonify(active=services().faults.active(), known=FAULTS)


@blueprint.post("/<name>")
def switch_on(name: str):
    body = request.get_json(silent=True) or {}
    try:
        services().faults.switch_on(name, body.get("rate"))
    except UnknownFault as error:
        abort(404, error.args[0])
    except (TypeError, ValueError) as error:
        abort(400, f"rate: {error}")
    log.info("fault %s on", name)
    return jsonify(active=services().faults.active())


@blueprint.delete("/<name>")
def switch_off(name: str):
    try:
        services().faults.switch_off(name)
    except UnknownFault as error:
        abort(404, error.args[0])
    log.info("fault %s off", name)
    return jsonify(active=services().faults.active())
