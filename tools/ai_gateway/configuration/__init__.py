"""The one file of the AI gateway: what it may say, how it is read, and the version that is in force."""
