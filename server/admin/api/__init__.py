"""`/admin/api`: what is administered, for programs with an access token for the administration."""
