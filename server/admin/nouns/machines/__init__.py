"""Machines that administer: services with keys of their own, and workloads that a platform speaks for."""
