"""Running a stranger's code: environments of the time, a sandbox, and what runs in it."""
