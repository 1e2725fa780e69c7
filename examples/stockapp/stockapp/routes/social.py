"""Chat with the assistant, and export of one's own data."""
import csv
import io
import logging
import uuid

import sentry_sdk
from flask import Blueprint, Response, abort, g, jsonify, request
from sqlalchemy import select

from stockapp.models import Analysis, ChatMessage
from stockapp.routes import services, signed_in

blueprint = Blueprint("social", __name__)
log = logging.getLogger("stockapp.social")


@blueprint.post("/api/chat")
@signed_in
def chat():
    question = request.get_json().get("question")
    if not isinstance(question, str) or not question.strip():
        abort(400, "question: a text is needed")
    if services().faults.hits("new_error_type"):
        surprise(question)
    with sentry_sdk.start_span(op="ai", name="Answer question"):
        services().clock.sleep(0.06)
        answer = f"You asked about {question[:60]!r}; diversify."
    with services().sessions.begin() as database:
        database.add(ChatMessage(user_id=g.user_id, question=question, answer=answer))
    services().metrics.chats.labels(g.tier).inc()
    log.info("chat answered", extra={"event_name": "chat_started"})
    return jsonify(answer=answer)


def surprise(question: str) -> None:
    """Raises a type that did not exist a moment ago, so that every strike is a new issue."""
    kind = type(f"Unforeseen{uuid.uuid4().hex[:8].translate(str.maketrans('0123456789', 'ghijklmnop')).title()}Error",
                (RuntimeError,), {})
    raise kind(f"the assistant lost its thread after {len(question)} characters")


@blueprint.get("/api/export")
@signed_in
def export():
    if g.tier == "free":
        abort(403, "export needs the basic or premium tier")
    with services().sessions() as database:
        rows = database.scalars(select(Analysis).where(Analysis.user_id == g.user_id)).all()
    with sentry_sdk.start_span(op="serialize", name="Write CSV"):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(("ticker", "price", "sentiment", "verdict"))
        writer.writerows((row.ticker, row.price, row.sentiment, row.verdict) for row in rows)
    services().metrics.exports.labels(g.tier).inc()
    log.info("export made", extra={"rows": len(rows), "event_name": "export_made"})
    return Response(out.getvalue(), content_type="text/csv")
