"""What comes before the consent."""
