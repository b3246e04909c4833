"""Machines that administer: service principals with a key of their own, and workloads whose platform vouches for them."""
