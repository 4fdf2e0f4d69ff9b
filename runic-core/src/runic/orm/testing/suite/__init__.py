"""Every check of the kit, to be imported with a star into one test file."""

from __future__ import annotations

from runic.orm.testing.suite.blocks import *
from runic.orm.testing.suite.cancellation import *
from runic.orm.testing.suite.changes import *
from runic.orm.testing.suite.concurrency import *
from runic.orm.testing.suite.constraints import *
from runic.orm.testing.suite.crud import *
from runic.orm.testing.suite.errors import *
from runic.orm.testing.suite.fulltext import *
from runic.orm.testing.suite.identity import *
from runic.orm.testing.suite.indexes import *
from runic.orm.testing.suite.loading import *
from runic.orm.testing.suite.locking import *
from runic.orm.testing.suite.names import *
from runic.orm.testing.suite.operators import *
from runic.orm.testing.suite.outcomes import *
from runic.orm.testing.suite.ports import *
from runic.orm.testing.suite.queries import *
from runic.orm.testing.suite.raw import *
from runic.orm.testing.suite.relations import *
from runic.orm.testing.suite.search import *
from runic.orm.testing.suite.sessions import *
from runic.orm.testing.suite.static import *
from runic.orm.testing.suite.subqueries import *
from runic.orm.testing.suite.traversal import *
from runic.orm.testing.suite.types import *
from runic.orm.testing.suite.unit_of_work import *
