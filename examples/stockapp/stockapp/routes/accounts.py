"""Users, sessions, tiers and the payments that change them."""
import logging
from datetime import timedelta

import sentry_sdk
from flask import Blueprint, abort, g, jsonify, request, session
from sqlalchemy import func, select
from werkzeug.security import check_password_hash, generate_password_hash

from stockapp.faults import PLANTED_SECRETS
from stockapp.models import TICKERS, TIER_PRICES, Holding, Payment, User, utc_now
from stockapp.routes import services, signed_in

blueprint = Blueprint("accounts", __name__)
log = logging.getLogger("stockapp.accounts")
HASH_METHOD = "pbkdf2:sha256:50000"


class PaymentDeclined(Exception):
    pass


def credentials() -> tuple[str, str]:
    body = request.get_json()
    email, password = body.get("email"), body.get("password")
    if not isinstance(email, str) or "@" not in email:
        abort(400, "email: an address is needed")
    if not isinstance(password, str) or len(password) < 6:
        abort(400, "password: at least 6 characters are needed")
    return email, password


def sign_in(user: User) -> None:
    session["user_id"], session["tier"] = user.id, user.tier
    g.user_id, g.tier = user.id, user.tier


@blueprint.post("/api/register")
def register():
    email, password = credentials()
    with services().sessions.begin() as database:
        if database.scalar(select(User.id).where(User.email == email)):
            abort(409, "email: already registered")
        user = User(email=email, password_hash=generate_password_hash(password, HASH_METHOD), tier="free")
        database.add(user)
        database.flush()
        start = user.id % len(TICKERS)
        database.add_all(Holding(user_id=user.id, ticker=TICKERS[(start + i) % len(TICKERS)], quantity=1.0 + i)
                         for i in range(12))
    sign_in(user)
    services().metrics.registrations.inc()
    log.info("user registered", extra={"event_name": "user_registered"})
    return jsonify(id=user.id, tier=user.tier), 201


@blueprint.post("/api/login")
def login():
    email, password = credentials()
    if services().faults.hits("secrets_in_logs"):
        log_carelessly()
    with services().sessions.begin() as database:
        user = database.scalar(select(User).where(User.email == email))
        if user is None or not check_password_hash(user.password_hash, password):
            services().metrics.logins.labels("refused").inc()
            log.warning("log-in refused", extra={"error_type": "BadCredentials"})
            abort(401, "wrong e-mail or password")
        user.last_seen_at = utc_now()
    sign_in(user)
    services().metrics.logins.labels("succeeded").inc()
    log.info("user logged in")
    return jsonify(id=user.id, tier=user.tier)


def log_carelessly() -> None:
    """What reviews should have caught: secrets in messages, in fields, in URLs and in an error's text."""
    secret = PLANTED_SECRETS
    log.info("debug login password=%s", secret["password"], extra={"api_key": secret["aws_key"]})
    log.info("calling processor with card %s and Authorization: Bearer %s", secret["card"], secret["bearer"])
    log.warning("reconnecting to postgres://app:%s@db.internal/stock", secret["url_password"])
    log.error("KYC failed for ssn %s", secret["ssn"], extra={"password": secret["password"]})


@blueprint.post("/api/upgrade")
@signed_in
def upgrade():
    body = request.get_json()
    tier = body.get("tier")
    if tier not in TIER_PRICES or tier == "free":
        abort(400, "tier: must be basic or premium")
    with services().sessions.begin() as database:
        user = database.get(User, g.user_id)
        previous = user.tier
        try:
            charge(TIER_PRICES[tier])
            user.tier, result = tier, "succeeded"
        except PaymentDeclined as error:
            result = "failed"
            sentry_sdk.capture_exception(error)
            log.error("payment failed: %s", error, extra={"error_type": "PaymentDeclined", "amount": TIER_PRICES[tier]})
        database.add(Payment(user_id=user.id, amount=TIER_PRICES[tier], result=result))
    services().metrics.payments.labels(result).inc()
    if result == "failed":
        return jsonify(error="the payment was declined"), 402
    services().metrics.tier_upgrades.labels(previous, tier).inc()
    sign_in(user)
    log.info("tier upgraded", extra={"event_name": "tier_upgraded", "from_tier": previous, "to_tier": tier})
    return jsonify(tier=tier)


def charge(amount: int) -> None:
    with sentry_sdk.start_span(op="payment", name="Charge card") as span:
        span.set_data("amount", amount)
        services().clock.sleep(0.08)
        if services().faults.hits("payment_failures"):
            raise PaymentDeclined(f"processor declined a charge of ${amount}")


def refresh_gauges(app_services) -> None:
    with app_services.sessions() as database:
        counts = dict(database.execute(select(User.tier, func.count()).group_by(User.tier)).all())
        day_ago = utc_now() - timedelta(days=1)
        active = database.scalar(select(func.count()).where(User.last_seen_at > day_ago))
    for tier in TIER_PRICES:
        app_services.metrics.users_by_tier.labels(tier).set(counts.get(tier, 0))
    app_services.metrics.subscriptions.set(counts.get("basic", 0) + counts.get("premium", 0))
    app_services.metrics.active_users.set(active or 0)
    app_services.metrics.revenue.set(sum(TIER_PRICES[t] * n for t, n in counts.items()))
