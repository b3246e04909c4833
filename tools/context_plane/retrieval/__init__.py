"""What is known, found again: masks before scores, belief at one moment, truth at another, and why each fact stands where it stands."""
