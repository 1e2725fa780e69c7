"""The product's heart: fetch market data, run the model, remember the verdict."""
import logging

import sentry_sdk
from flask import Blueprint, abort, g, jsonify, request
from sqlalchemy import func, select, text

from stockapp.market import MarketDataError
from stockapp.models import Analysis, Holding, Instrument
from stockapp.routes import services, signed_in
from stockapp.sentiment import verdict

blueprint = Blueprint("analysis", __name__)
log = logging.getLogger("stockapp.analysis")
PROVIDERS_OF_TIER = {"free": ("yfinance",), "basic": ("yfinance", "finnhub"),
                     "premium": ("yfinance", "finnhub", "alphavantage")}


@blueprint.post("/api/analysis/analyze")
@signed_in
def analyze():
    ticker = request.get_json().get("ticker")
    if not isinstance(ticker, str) or not ticker.isalpha() or len(ticker) > 8:
        abort(400, "ticker: 1 to 8 letters are needed")
    ticker = ticker.upper()
    sentry_sdk.set_tag("ticker", ticker)
    with services().metrics.analysis_duration.time():
        log.info("Stock analysis started", extra={"ticker": ticker})
        result = run_analysis(ticker)
    services().metrics.analyses.labels(g.tier).inc()
    log.info("Stock analysis finished", extra={"ticker": ticker, "verdict": result["verdict"], "event_name": "analysis_run"})
    return jsonify(result)


def run_analysis(ticker: str) -> dict:
    with sentry_sdk.start_span(op="function", name="Fetch stock data"):
        quotes = fetch_quotes(ticker)
    if services().faults.is_on("slow_endpoint"):
        services().clock.sleep(6.0)
    headlines = [line for quote in quotes for line in quote["headlines"]]
    if services().faults.hits("error_burst"):
        log.warning("no headlines for %s", ticker, extra={"ticker": ticker, "error_type": "ZeroDivisionError"})
        headlines = []
    with sentry_sdk.start_span(op="ai", name="Run sentiment analysis") as span:
        span.set_data("headlines", len(headlines))
        score = services().model.score(headlines)
    if services().faults.hits("bad_release"):
        score = score + verdict(score)  # the release that forgot what it adds up
    price = sum(quote["price"] for quote in quotes) / len(quotes)
    row = Analysis(user_id=g.user_id, ticker=ticker, price=price, sentiment=score, verdict=verdict(score))
    with services().sessions.begin() as database:
        database.add(row)
    return {"ticker": ticker, "price": round(price, 2), "sentiment": score, "verdict": row.verdict}


def fetch_quotes(ticker: str) -> list[dict]:
    """One quote a provider of the user's tier; a provider that fails is left out, unless all do."""
    quotes, last_error = [], None
    for provider in PROVIDERS_OF_TIER[g.tier]:
        try:
            quotes.append(services().market.fetch(provider, ticker))
        except MarketDataError as error:
            last_error = error
    if not quotes:
        sentry_sdk.capture_exception(last_error)
        log.error("no market data for %s: %s", ticker, last_error,
                  extra={"ticker": ticker, "error_type": type(last_error).__name__})
        abort(503, "market data is not available")
    return quotes


@blueprint.get("/api/analysis/history")
@signed_in
def history():
    with services().sessions() as database:
        if services().faults.hits("slow_query"):
            database.execute(text("SELECT count(*) FROM analyses, (SELECT table_scan_for(:seconds) AS scanned)"
                                  " WHERE price < 0"), {"seconds": 1.3})
        rows = database.scalars(select(Analysis).where(Analysis.user_id == g.user_id)
                                .order_by(Analysis.id.desc()).limit(50)).all()
    return jsonify([{"ticker": row.ticker, "verdict": row.verdict, "price": row.price} for row in rows])


@blueprint.get("/api/portfolio")
@signed_in
def portfolio():
    with services().sessions() as database:
        if services().faults.is_on("n_plus_one"):
            holdings = database.scalars(select(Holding).where(Holding.user_id == g.user_id)).all()
            rows = [(h, database.execute(select(Instrument.name, Instrument.last_price)
                                         .where(Instrument.ticker == h.ticker)).one()) for h in holdings]
        else:
            found = database.execute(select(Holding, Instrument.name, Instrument.last_price)
                                     .join(Instrument, Instrument.ticker == Holding.ticker)
                                     .where(Holding.user_id == g.user_id)).all()
            rows = [(row[0], (row[1], row[2])) for row in found]
        analyses = database.scalar(select(func.count()).where(Analysis.user_id == g.user_id))
    holdings_out = [{"ticker": h.ticker, "name": name, "value": h.quantity * price} for h, (name, price) in rows]
    return jsonify(holdings=holdings_out, analyses=analyses)
