"""Whether a series can be trusted, when: one check per file, and the light they make together."""
