"""The demo CRM: a small real HTTP service to point the gateway at; its state lives in memory and starts afresh every time."""
