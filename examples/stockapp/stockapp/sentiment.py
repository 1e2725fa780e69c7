"""A simulated sentiment model: a little arithmetic over headlines, and the time a model would take."""
WORDS = {"beats": 0.8, "buyback": 0.5, "misses": -0.7, "probe": -0.6}


class SentimentModel:
    def __init__(self, clock, latency_s: float = 0.05):
        self._clock = clock
        self._latency_s = latency_s

    def score(self, headlines: list[str]) -> float:
        """Mean score of the headlines in -1..1. Raises ZeroDivisionError on none, as careless code does."""
        self._clock.sleep(self._latency_s)
        total = sum(WORDS.get(word, 0.0) for line in headlines for word in line.split())
        return total / len(headlines)


def verdict(score: float) -> str:
    return "buy" if score > 0.3 else "sell" if score < -0.3 else "hold"
