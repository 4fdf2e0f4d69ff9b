"""Codecs that backends share: the stored forms of every kind of value, as plain functions.

A dialect makes its codecs with one :class:`Codecs`, says how its client delivers a reply's cells, and
overrides the kinds that its server keeps natively::

    _CODECS = Codecs(overrides={Kind.BYTES: native_bytes, Kind.DATETIME: my_native_datetime})


    class MyDialect(Dialect):
        def codec(self, type_: FieldType) -> Codec:
            return _CODECS(type_)  # cached

What is not overridden is stored as text or number, in forms that sort as their values do:

==============================  ==============================================================
kind                            stored as
==============================  ==============================================================
text, int, float, bool          as it is
aware datetime                  ISO 8601 text in UTC, which sorts as time does
naive datetime, date, time      ISO 8601 text
timedelta                       whole microseconds
Decimal, UUID                   text, as written
bytes                           base64 text
Enum                            the member's value
dict and the like               JSON text, checked to come back as it is
list, tuple, set                list of stored items
Vector                          list of numbers
GeoLocation                     none: every backend brings its own
==============================  ==============================================================
"""

from __future__ import annotations

from runic.orm.compile.codecs.cells import PLAIN, Cells
from runic.orm.compile.codecs.maker import CodecMaker, Codecs
from runic.orm.compile.codecs.scalars import exactly, native_bytes

__all__ = ["PLAIN", "Cells", "CodecMaker", "Codecs", "exactly", "native_bytes"]
