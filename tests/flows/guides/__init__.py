"""The guides, followed at real gateways."""
