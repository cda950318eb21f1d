"""OpenTelemetry's own Python classes behind standard input: each line is one OTLP request in base64, each line out is
JSON: [[name, trace, span, parent, kind, {attribute: text}], ...]. Only what both sides can say the same way is told."""

import base64
import json
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def text(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return "[" + ",".join(text(one) for one in value.array_value.values) + "]"
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value":
        return "double"
    return str(getattr(value, kind))


def told(span):
    says = {one.key: text(one.value) for one in span.attributes}
    ids = [span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()]
    return [span.name, *ids, span.kind, says]


for line in sys.stdin:
    request = ExportTraceServiceRequest()
    request.ParseFromString(base64.b64decode(line))
    spans = [
        told(span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    print(json.dumps(spans), flush=True)
