"""What callers hand in, read whole: cleaned, checked, and refused with all faults at once."""
