"""The vocabulary that every stage speaks: events, alerts, live messages, topics, tables."""
