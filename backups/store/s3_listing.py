"""Reading what a bucket answers to a list, ten times as fast as botocore does.

Botocore checks each value of each object against its model and parses every time
by dateutil: 0.2 ms for each object, of which a list may hold a thousand.
"""

import datetime
from typing import Any
from xml.etree import ElementTree

EVENT = "before-parse.*.ListObjectsV2"
"""Called before those under ``s3.*``, of which one parses the whole answer, too."""


def take_contents(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Take the objects out of an answer that botocore is about to parse.

    For the client's events, under EVENT. What is left, the marks for the next
    page among it, is botocore's to parse, and so is all of an answer that is not
    as expected. Source: Amazon S3 API Reference, ListObjectsV2.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        answer = ElementTree.fromstring(response_dict["body"])  # noqa: S314
        space = answer.tag.removesuffix("ListBucketResult")
        found = answer.findall(f"{space}Contents")
        contents = [as_content(item, space) for item in found]
    except (ElementTree.ParseError, KeyError, ValueError, TypeError):
        return
    if contents:
        answer[:] = [item for item in answer if item.tag != f"{space}Contents"]
        response_dict["body"] = ElementTree.tostring(answer)
        customized_response_dict["Contents"] = contents


def as_content(item: ElementTree.Element, space: str) -> dict[str, Any]:
    """Return what a list needs to know of an object, as botocore spells it."""
    fields: dict[str, Any] = {field.tag: field.text for field in item}
    key = fields[f"{space}Key"]
    if not isinstance(key, str):
        raise TypeError("an object without a name")
    modified = datetime.datetime.fromisoformat(fields[f"{space}LastModified"])
    if modified.tzinfo is None:
        raise ValueError("a time without a zone")
    return {
        "Key": key,
        "Size": int(fields[f"{space}Size"]),
        "LastModified": modified,
        "ETag": fields.get(f"{space}ETag", ""),
    }
