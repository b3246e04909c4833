"""`ascend vault`: bring secrets in and rotate keys."""
