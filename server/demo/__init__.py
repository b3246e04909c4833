"""The demo CRM: a small real HTTP service to point the gateway at; its records live in memory and start afresh every time."""
