"""What can happen on this GitHub, whoever does it (the REST API, git, or people in a test): state, events, notices."""
