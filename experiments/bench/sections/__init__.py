"""One module a section; each has a ``SECTION``. A module that is put here is found."""
