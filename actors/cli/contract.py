"""`turntone schema`: the wire contract."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class Form(StrEnum):
    """What is printed."""

    ALL = "all"
    ASYNCAPI = "asyncapi"
    JSON_SCHEMA = "json-schema"


def schema(form: Annotated[Form, typer.Argument(help="Both, or one of the two alone.")] = Form.ALL) -> None:
    """Print the wire contract: JSON Schema, AsyncAPI 3."""
    from schemas.export import asyncapi, json_schemas

    document = {"asyncapi": asyncapi, "json-schema": json_schemas}
    if form is Form.ALL:
        typer.echo(json.dumps({name: make() for name, make in document.items()}, indent=2))
    else:
        typer.echo(json.dumps(document[form](), indent=2))
