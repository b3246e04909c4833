"""Alerts in SQL: what holds, what was told, who hears nothing of it."""
