"""The ``runic`` command (extra ``cli``)."""
