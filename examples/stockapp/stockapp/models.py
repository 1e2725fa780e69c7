"""What the application keeps: users with a tier, payments, holdings, analyses, chat messages."""
import time
from datetime import datetime, timezone

from sqlalchemy import ForeignKey, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

TIER_PRICES = {"free": 0, "basic": 9, "premium": 29}
TICKERS = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOG", "TSLA", "META", "SAP", "ASML", "SHEL", "NESN", "TM", "V", "KO", "PFE")


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(120), unique=True)
    password_hash: Mapped[str]
    tier: Mapped[str] = mapped_column(default="free", index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    holdings: Mapped[list["Holding"]] = relationship(back_populates="user")


class Instrument(Base):
    __tablename__ = "instruments"
    ticker: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str]
    last_price: Mapped[float] = mapped_column(default=100.0)


class Holding(Base):
    __tablename__ = "holdings"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    ticker: Mapped[str] = mapped_column(ForeignKey("instruments.ticker"))
    quantity: Mapped[float]
    user: Mapped[User] = relationship(back_populates="holdings")


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    amount: Mapped[int]
    result: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Analysis(Base):
    __tablename__ = "analyses"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    ticker: Mapped[str] = mapped_column(String(8), index=True)
    price: Mapped[float]
    sentiment: Mapped[float]
    verdict: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ChatMessage(Base):
    __tablename__ = "chat_messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    question: Mapped[str]
    answer: Mapped[str]


def open_database(path: str):
    """Opens or creates the database; returns the session factory."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 15})

    @event.listens_for(engine, "connect")
    def prepare(connection, _record):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # Lets the slow_query fault spend its time inside the database, as a missing index would.
        connection.create_function("table_scan_for", 1, lambda seconds: time.sleep(seconds) or 1)

    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine, expire_on_commit=False)
    with sessions.begin() as session:
        if not session.get(Instrument, TICKERS[0]):
            session.add_all(Instrument(ticker=t, name=f"{t} Incorporated") for t in TICKERS)
    return sessions
