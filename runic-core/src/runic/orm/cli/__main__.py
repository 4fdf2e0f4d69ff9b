"""``python -m runic.orm.cli``: the ``runic`` command of this interpreter."""

from runic.orm.cli.entry import main

main()
