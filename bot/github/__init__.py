"""GitHub: session, reads, writes, and the mirror. The only package that speaks to it."""

import githubkit as githubkit
