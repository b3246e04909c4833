"""What stores of the administration, the audit trail, alerts and configuration promise."""
