"""The demo CRM."""
