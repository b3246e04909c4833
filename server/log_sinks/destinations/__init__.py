"""What takes rows: a bucket, a URL, a collector of OpenTelemetry."""
