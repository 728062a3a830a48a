"""What is counted and measured, for Prometheus. Labels come from closed sets, never from a request."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.events import HANDLED
from bot.inbox import Stats


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "tfport_deliveries", "Requests to /webhook.", ["event", "outcome"], registry=self.registry
        )
        self.signatures = Counter(
            "tfport_signatures",
            "Deliveries signed with the current or the previous secret. Drop the previous one when it stays at rest.",
            ["secret"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tfport_webhook_seconds",
            "From the first byte of a delivery to its answer.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
        self.inbox = Gauge("tfport_inbox", "Stored deliveries by status.", ["status"], registry=self.registry)
        self.oldest = Gauge(
            "tfport_inbox_oldest_pending_seconds",
            "Age of the delivery that waits longest.",
            registry=self.registry,
        )
        for status in ("pending", "finished", "failed", "ignored"):
            self.inbox.labels(status)
        for secret in ("current", "previous"):
            self.signatures.labels(secret)

    def count(self, event: str, outcome: str, seconds: float) -> None:
        """One request to /webhook. Events that are not ours count together."""
        self.deliveries.labels(event if event in HANDLED else "other", outcome).inc()
        self.seconds.observe(seconds)

    def text(self, stats: Stats | None) -> bytes:
        """The exposition format; without `stats` the inbox's figures stay as they were."""
        if stats is not None:
            for status in ("pending", "finished", "failed", "ignored"):
                self.inbox.labels(status).set(stats.counts.get(status, 0))
            self.oldest.set(stats.oldest_pending)
        return generate_latest(self.registry)
