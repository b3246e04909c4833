"""Tests of ai_gateway."""
