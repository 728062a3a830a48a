"""The server: webhook, health, metrics, pages."""
