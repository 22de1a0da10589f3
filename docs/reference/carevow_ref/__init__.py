"""Independent reference implementation of Carevow v1, written from protocol.md alone."""
