"""GitHub, and the only package that speaks to it.

`session` who we are · `transport` how requests travel (retries, limits, pages) · `limits` what answers mean, our pace · `reads` what
GitHub says · `writes`, `reviews` what we change, repeatable · `mirror`, `git` commits as objects · `errors` what can go wrong.
"""
