"""What operations take as their request body: media types, members, files."""
