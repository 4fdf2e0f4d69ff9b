from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from runic.orm.core.descriptors import Field, Relation
from runic.orm.core.metadata import EdgeMeta, MetaData, NodeMeta, edge_meta, metadata, node_meta
from runic.orm.core.models import Edge, Node
from runic.orm.exceptions import MetadataError

if TYPE_CHECKING:
    from elsewhere import Company


def knows(target, **options):
    return Relation(relationship="KNOWS", direction="BOTH", target=target, **options)


def test_models_register_themselves_and_are_found_by_name_label_and_type():
    class Person(Node, labels=["Human"]):
        pass

    class Rated(Edge, type="RATED"):
        pass

    for name in ("Person", "Human", f"{__name__}.{Person.__qualname__}", Person.__qualname__):
        assert metadata.resolve_target(name) is Person
    assert metadata.resolve_target("Rated") is Rated
    assert metadata.resolve_target("RATED") is Rated
    assert metadata.resolve_target(Person) is Person
    assert metadata.node_by_label("Human") is node_meta(Person)
    assert metadata.edge_by_type("RATED") is edge_meta(Rated)
    assert metadata.node_by_label("Nobody") is None
    assert metadata.edge_by_type("NOTHING") is None


def test_an_unknown_target_lists_close_names():
    class Company(Node):
        pass

    class Person(Node):
        employer: Company | None = knows("Compny")

    with pytest.raises(
        MetadataError, match=r"Person.employer: target: no model is named 'Compny'; did you mean 'Company'\?"
    ):
        _ = Person.employer.target_cls
    with pytest.raises(MetadataError, match="Compny"):
        metadata.finalize()
    with pytest.raises(MetadataError, match="known are: Company, Person"):
        metadata.resolve_target("Zebra")


def test_models_may_be_defined_in_any_order():
    class Person(Node):
        employer: Company | None = knows("Company")
        jobs: list[Company] = knows("Company")
        quoted: list[Company] = knows("Company")

    assert Person().jobs == []
    assert (Person.employer.uselist, Person.jobs.uselist, Person.quoted.uselist) == (False, True, True)
    node_meta(Person)

    class Company(Node):
        pass

    metadata.finalize()
    assert Person.jobs.target_cls is Company


def test_finalize_puts_classes_in_place_of_names_and_a_class_defined_again_is_still_followed():
    class Knows(Edge, type="KNOWS"):
        pass

    class Person(Node):
        boss: Person | None = knows("Person")
        employer: Company | None = knows("Company", edge_model="Knows")

    def define_company():
        class Company(Node):
            pass

        return Company

    first = define_company()
    assert (Person.employer.target, Person.employer.edge_model) == ("Company", "Knows")
    metadata.finalize()
    assert (Person.employer.target, Person.employer.edge_model) == (first, Knows)
    assert (Person.boss.target, Person.boss.edge_model) == (Person, None)
    second = define_company()
    assert Person.employer.target_cls is second
    metadata.finalize()
    assert Person.employer.target is second


def test_finalize_reports_everything_that_is_wrong():
    class Person(Node):
        a: Nothing = Field()  # noqa: F821
        b: list[Person] = knows("Absent")
        c: list[Person] = knows("Person", edge_model="Missing")

    with pytest.raises(MetadataError) as caught:
        metadata.finalize()
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "Person.a",
        "Person.b",
        "Person.c",
    ]


def test_ends_of_the_wrong_kind_are_refused():
    class Rated(Edge, type="RATED"):
        pass

    class Other(Node):
        pass

    class Person(Node):
        to_edge: list[Person] = knows("Rated")
        edge_is_node: list[Person] = knows("Person", edge_model=Other)
        edge_is_nothing: list[Person] = knows("Person", edge_model=int)
        wrong_type: list[Person] = knows("Person", edge_model=Rated)
        wrong_annotation: list[Other] = knows("Person")

    with pytest.raises(MetadataError) as caught:
        metadata.finalize()
    lines = str(caught.value).splitlines()
    assert lines == [
        "Person.to_edge: target=Rated is an Edge, not a Node model",
        "Person.edge_is_node: edge_model=Other is a Node, not an Edge model",
        "Person.edge_is_nothing: edge_model=int is no model, not an Edge model",
        "Person.wrong_type: the relationship is 'KNOWS', but the type of its edge_model Rated is 'RATED'",
        "Person.wrong_annotation: the annotation says Other, the target is Person",
    ]


def test_a_relation_to_an_abstract_class_is_refused():
    class Base(Node, abstract=True):
        pass

    class Person(Node):
        base: Base | None = knows(Base)

    with pytest.raises(MetadataError, match="target=Base is abstract: give it labels"):
        _ = Person.base.target_cls


def test_edges_of_a_relation_are_resolved_by_name_or_class():
    class Person(Node):
        friends: list[Person] = knows("Person", edge_model="Knows")
        plain: list[Person] = knows("Person")

    class Knows(Edge, type="KNOWS"):
        since: int = 0

    assert Person.friends.edge_cls is Knows
    assert Person.plain.edge_cls is None


def test_an_annotation_may_be_known_to_type_checkers_only():
    class Person(Node):
        employer: Company | None = knows("Firm")
        jobs: list[Company] = knows("Firm")

    class Firm(Node):
        pass

    metadata.finalize()
    assert (Person.employer.target_cls, Person.jobs.uselist) == (Firm, True)


def test_relations_to_many_are_lists():
    class Person(Node):
        friends: set[Person] = knows("Person")

    with pytest.raises(
        MetadataError, match=r"Person.friends: a relation to many is annotated list\[...\], not set"
    ):
        metadata.finalize()


def define(name: str, module: str, base: type = Node, **keywords):
    return type(name, (base,), {"__module__": module}, **keywords)


def test_two_classes_with_one_label_are_refused():
    define("Person", "shop")
    with pytest.raises(
        MetadataError,
        match=r"blog.Person has the labels \['Person'\] of shop.Person: rename one, or register them apart",
    ):
        define("Person", "blog")
    with pytest.raises(
        MetadataError, match=r"the primary label 'Person' of blog.Human is already that of shop.Person"
    ):
        define("Human", "blog", labels=["Extra", "Person"])
    assert metadata.resolve_target("Person").__module__ == "shop"


def test_a_subclass_without_a_label_of_its_own_is_refused():
    base = define("Person", "shop")
    with pytest.raises(MetadataError, match="give it a label of its own"):
        define("Employee", "shop", base, labels=["Person"])


def test_two_edges_with_one_type_are_refused():
    define("Rated", "shop", Edge, type="RATED")
    with pytest.raises(MetadataError, match=r"the type 'RATED' of blog.Stars is already that of shop.Rated"):
        define("Stars", "blog", Edge, type="RATED")


def test_classes_of_one_name_are_told_apart_by_module():
    shop = define("Comment", "shop", labels=["ShopComment"])
    blog = define("Comment", "blog", labels=["BlogComment"])
    with pytest.raises(
        MetadataError, match=r"'Comment' may be shop.Comment, blog.Comment: write the module's name"
    ):
        metadata.resolve_target("Comment")
    assert metadata.resolve_target("blog.Comment") is blog
    assert metadata.resolve_target("Comment", near=define("Post", "shop")) is shop


def test_defining_a_class_again_replaces_it():
    def cell(default):
        class Person(Node):
            id: str = Field(primary_key=True)
            name: str = default

        return Person

    class Post(Node):
        author: Person | None = Relation(relationship="BY", direction="OUTGOING", target="Person")  # noqa: F821

    first = cell("one")
    assert Post.author.target_cls is first
    second = cell("two")
    assert Post.author.target_cls is second
    assert metadata.resolve_target("Person") is second
    assert [meta.cls for meta in metadata.nodes if meta.cls.__name__ == "Person"] == [second]
    assert node_meta(first).cls is first
    assert node_meta(first).root is first


def test_an_own_registry_keeps_models_apart():
    mine = MetaData()

    class Base(Node, metadata=mine):
        pass

    class Person(Base):
        friends: list[Person] = knows("Person")

    class Likes(Edge, type="LIKES", metadata=mine):
        pass

    class Other(Node, labels=["Person"]):
        pass

    assert node_meta(Person).labels == ("Person",)
    assert [meta.cls for meta in mine.nodes] == [Person]
    assert [meta.cls for meta in mine.edges] == [Likes]
    assert Person not in [meta.cls for meta in metadata.nodes]
    assert Person.friends.target_cls is Person
    assert mine.node_by_label("Person") is node_meta(Person)
    assert metadata.node_by_label("Person") is node_meta(Other)
    with pytest.raises(MetadataError, match="Base is abstract"):
        node_meta(Base)


def test_a_class_with_fields_and_a_registry_is_a_model():
    class Person(Node, metadata=MetaData()):
        name: str = ""

    assert node_meta(Person).labels == ("Person",)


def test_a_registry_is_a_metadata_object():
    with pytest.raises(MetadataError, match="metadata is a MetaData object"):
        type("Person", (Node,), {}, metadata={})


def test_restore_forgets_what_came_after_the_snapshot():
    class Before(Node):
        pass

    snapshot = metadata.snapshot()

    class After(Before):
        pass

    class Rated(Edge, type="RATED"):
        pass

    assert node_meta(Before).subclasses == (node_meta(After),)
    metadata.restore(snapshot)
    assert node_meta(Before).subclasses == ()
    assert node_meta(Before).resolve(["Before", "After"]).cls is Before
    with pytest.raises(MetadataError):
        metadata.resolve_target("After")
    assert metadata.edge_by_type("RATED") is None
    assert node_meta(After).labels == ("Before", "After")
    assert node_meta(After).root is Before


def test_what_is_no_model_is_refused_by_name():
    class Person(Node):
        pass

    class Rated(Edge, type="RATED"):
        pass

    with pytest.raises(TypeError, match="expected a model class, not Person"):
        node_meta(Person())
    with pytest.raises(MetadataError, match=r"builtins\.int is no Node model"):
        node_meta(int)
    with pytest.raises(MetadataError, match="Node is no Node model"):
        node_meta(Node)
    with pytest.raises(MetadataError, match="Rated is an Edge, where a Node model is needed"):
        node_meta(Rated)
    with pytest.raises(MetadataError, match="Person is a Node, where an Edge model is needed"):
        edge_meta(Person)
    with pytest.raises(MetadataError, match="is no subclass of Node"):
        metadata.register_node(int)


def test_registering_again_changes_nothing():
    class Person(Node):
        pass

    metadata.register_node(Person)
    assert [meta.cls for meta in metadata.nodes] == [Person]


def test_metadata_objects_can_be_made_as_the_reference_says():
    class Person(Node):
        id: str = Field(primary_key=True)

    meta = NodeMeta(Person, ("Person",), "Person", node_meta(Person).fields, "id")
    assert meta.primary_key is Person.id
    assert meta.metadata is metadata
    assert EdgeMeta(Person, "T", {}).properties == ()


def test_threads_may_use_a_model_for_the_first_time_at_once():
    for _ in range(20):
        mine = MetaData()

        class Base(Node, metadata=mine):
            pass

        class Person(Base):
            id: str = Field(primary_key=True)
            late: Later | None = None
            friends: list[Person] = knows("Person")

        Later = int
        mine.find = lambda name, near=None: int if name == "Later" else Person
        barrier = threading.Barrier(8)
        seen: list[object] = []

        def use(Person=Person, barrier=barrier, seen=seen):
            barrier.wait()
            person = Person(id="1")
            meta = node_meta(Person)
            seen.append((meta, person.friends, tuple(field.type for field in meta.properties), meta.root))

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 8
        assert all(each == seen[0] for each in seen)
