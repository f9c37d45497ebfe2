"""An endpoint of the table as an operation of OpenAPI."""

import re
from typing import Any

from backups.api.parsers import JSON, MULTIPART

from .endpoint import Answer, Endpoint, header, parameter
from .endpoints import COMMON, PATH_PARAMETERS
from .shapes import Schema, invalid, ref

FIELDS = parameter(
    "fields",
    "Only these fields: `key,size`, with `*`, dotted paths and `:excerpt(20,true)`.",
)
TOO_LARGE = "Request entity too large."
REQUIRED = {"code": "validation_required", "message": "Cannot be blank."}
RETRY_AFTER = {"Retry-After": header("Seconds.", required=False, pattern="^[0-9]+$")}


def build_operation(endpoint: Endpoint, path: str, *, has_body_limit: bool) -> Schema:
    """Return the operation, without its security."""
    operation: Schema = {
        "operationId": endpoint.id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
    }
    if endpoint.about:
        operation["description"] = endpoint.about
    if parameters := build_parameters(endpoint, path):
        operation["parameters"] = parameters
    if endpoint.body:
        operation["requestBody"] = build_body(endpoint)
    answers = {
        status: build_answer(answer) for status, answer in endpoint.answers.items()
    }
    answers |= build_errors(endpoint, has_body_limit=has_body_limit)
    operation["responses"] = {
        str(status): answers[status] for status in sorted(answers)
    }
    return operation


def build_parameters(endpoint: Endpoint, path: str) -> list[Schema]:
    names = re.findall(r"\{(\w+)\}", path)
    return [
        *({**PATH_PARAMETERS[name], "in": "path", "required": True} for name in names),
        *({**one, "in": "query"} for one in endpoint.query),
        *([{**FIELDS, "in": "query"}] if answers_json(endpoint) else []),
        *({**one, "in": "header"} for one in endpoint.headers),
    ]


def build_body(endpoint: Endpoint) -> Schema:
    content: Schema = {
        kind: {"schema": schema} for kind, schema in endpoint.body.items()
    }
    if endpoint.parts:
        content[MULTIPART]["encoding"] = {
            name: {"contentType": kind} for name, kind in endpoint.parts.items()
        }
    return {"content": content, "required": endpoint.body_is_required}


def answers_json(endpoint: Endpoint) -> bool:
    return any(JSON in answer.content for answer in endpoint.answers.values())


def build_answer(answer: Answer) -> Schema:
    built: Schema = {"description": answer.about}
    if answer.headers:
        built["headers"] = answer.headers
    if answer.content:
        built["content"] = {
            kind: {"schema": schema} for kind, schema in answer.content.items()
        }
    return built


def build_errors(endpoint: Endpoint, *, has_body_limit: bool) -> dict[int, Schema]:
    messages = COMMON | endpoint.caller.refusals | endpoint.errors
    if endpoint.body and has_body_limit:
        messages[413] = TOO_LARGE
    errors = {
        status: build_error(status, message) for status, message in messages.items()
    }
    if endpoint.problems:
        errors[400] = with_problems(errors[400], endpoint.problems, endpoint.refusal)
    errors[503]["headers"] = RETRY_AFTER
    return errors


def build_error(status: int, message: str) -> Schema:
    """Return an error in the envelope, with an example of it."""
    content = {
        "schema": ref("BackupProblem"),
        "example": example_of(status, message),
    }
    return {"description": message, "content": {JSON: content}}


def with_problems(error: Schema, problems: Schema, message: str) -> Schema:
    """Return the error, where it may also be one of fields under *message*."""
    fields = example_of(400, message, problem_in(problems))
    examples = {
        "request": {"value": error["content"][JSON]["example"]},
        "fields": {"value": fields},
    }
    built = {"schema": invalid(problems), "examples": examples}
    return {**error, "content": {JSON: built}}


def problem_in(schema: Schema) -> Schema:
    """Return an example of errors of fields."""
    if "$ref" in schema:
        return REQUIRED
    inside = schema.get("properties") or {"0": schema["additionalProperties"]}
    name, inner = next(iter(inside.items()))
    return {name: problem_in(inner)}


def example_of(status: int, message: str, data: Any = None) -> Schema:
    return {"data": data or {}, "message": message, "status": status}
