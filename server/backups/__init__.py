"""Backups: one encrypted file that holds all a gateway needs, tried before it is needed (operations contract, "Backups").

age       the format of the envelope       keys      who can open one
archive   what is inside, and its manifest  drill     a backup restored aside, opened and asked
"""
