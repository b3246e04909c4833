"""What the stand-ins of other vendors' APIs have in common: a clock, counted traffic, faults on demand, a company world."""
