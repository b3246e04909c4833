"""The words of a call, which are on record only where tenant and caller both want it."""
