"""The administration over HTTP: who may, what they see, what they change."""
