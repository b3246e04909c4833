"""What tokens cost: a dated book of prices, and the cost of one call."""
