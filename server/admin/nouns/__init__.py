"""What is administered, one noun a file: what lists show of it and what may be done to it. None knows how it is asked."""
