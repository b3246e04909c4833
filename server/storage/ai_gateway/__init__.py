"""What the AI gateway must remember, kept in SQL."""
