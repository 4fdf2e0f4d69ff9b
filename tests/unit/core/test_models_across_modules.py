"""Models in several modules that import each other, with every way of writing annotations."""

from __future__ import annotations

import sys
import types

import pytest

from runic.orm.core.metadata import metadata, node_meta
from runic.orm.exceptions import MetadataError

HEAD = """
from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.mapped import Mapped
from runic.orm.core.models import Edge, Node
"""

PEOPLE = (
    HEAD
    + """
from enum import Enum
from typing import TYPE_CHECKING, Optional, List
if TYPE_CHECKING:
    from {other} import Company

class Mood(Enum):
    GOOD = "good"

class Person(Node):
    id: str = Field(primary_key=True)
    mood: "Mood | None" = None
    moods: List["Mood"] = Field(default_factory=list)
    late: "Later" = Field(default=None)
    company: "Company | None" = Relation(relationship="AT", direction="OUTGOING", target="Company")
    previous: Mapped[list["Company"]] = Relation(relationship="WAS", direction="OUTGOING", target="Company")
    boss: Optional["Person"] = Relation(relationship="BOSS", direction="OUTGOING", target="Person")

class Later(Enum):
    ON = 1
"""
)

COMPANIES = (
    HEAD
    + """
from {other} import Person

class Company(Node):
    name: str = Field(primary_key=True)
    staff: list[Person] = Relation(relationship="AT", direction="INCOMING", target=Person)
    owner: Person | None = Relation(relationship="OWNS", direction="INCOMING", target="{other}.Person")
"""
)


def load(monkeypatch, name, source, **names):
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source.format(**names), name, "exec", dont_inherit=True), module.__dict__)
    return module


@pytest.mark.parametrize("postponed", ["", "from __future__ import annotations\n"])
def test_modules_that_need_each_other_resolve_in_the_end(monkeypatch, postponed):
    people = load(monkeypatch, "people_mod", postponed + PEOPLE, other="companies_mod")
    Person = people.Person
    assert Person(id="early").previous == []
    assert node_meta(Person).pk_field_name == "id"
    with pytest.raises(MetadataError, match=r"Person.company: target: no model is named 'Company'"):
        metadata.finalize()

    companies = load(monkeypatch, "companies_mod", postponed + COMPANIES, other="people_mod")
    metadata.finalize()
    Company = companies.Company
    assert (Person.company.target_cls, Person.company.uselist) == (Company, False)
    assert (Person.previous.target_cls, Person.previous.uselist) == (Company, True)
    assert (Person.boss.target_cls, Person.boss.uselist) == (Person, False)
    assert (Company.staff.target_cls, Company.staff.uselist) == (Person, True)
    assert (Company.owner.target_cls, Company.owner.uselist) == (Person, False)
    assert Person.mood.type.python is people.Mood
    assert Person.mood.type.nullable
    assert Person.moods.type.item.python is people.Mood
    assert Person.late.type.python is people.Later


def test_a_subclass_in_another_module_reads_inherited_annotations_where_they_were_written(monkeypatch):
    load(monkeypatch, "people_mod", "from __future__ import annotations\n" + PEOPLE, other="nowhere")
    child = load(
        monkeypatch,
        "child_mod",
        "from __future__ import annotations\nfrom people_mod import Person\n"
        "class Mood: pass\nclass Employee(Person):\n    salary: int = 0\n",
    )
    Employee = child.Employee
    assert Employee.mood.type.python is sys.modules["people_mod"].Mood
    assert Employee.late.type.python is sys.modules["people_mod"].Later
    assert Employee.boss.target_cls is sys.modules["people_mod"].Person
    assert Employee(id="1", salary=3).salary == 3
