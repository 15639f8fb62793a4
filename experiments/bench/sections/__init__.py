"""One module a section, with its ``TITLE`` and ``measure``; one that is put here is found."""
