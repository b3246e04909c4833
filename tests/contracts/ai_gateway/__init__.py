"""What stores of the AI gateway and of metering promise."""
