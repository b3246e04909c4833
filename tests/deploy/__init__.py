"""Tests of what is shipped for installing and running the gateway: docs/deploy, and the distributions."""
