"""Durable work put together: runs, schedules with their jobs, ingestion, webhooks."""
