"""Documents in the dialects that vendors write, each reduced to what is peculiar about it."""

from typing import Any

OK: dict[str, Any] = {"200": {"description": "ok"}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def body(schema: Any, media_type: str = "application/json", **media: Any) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": schema, **media}}}


def query(name: str, schema: Any, **fields: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **fields}


def three(version: str, paths: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {"openapi": version, "info": {"title": "T", "version": "1"}, "servers": [{"url": "/"}], "paths": paths, **root}


PAYMENTS = three(
    "3.0.0",
    {
        "/v1/customers/{id}": {
            "post": {
                "operationId": "PostCustomersCustomer",
                "parameters": [ID],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "additionalProperties": False,
                                "properties": {
                                    "address": {
                                        "anyOf": [
                                            {"type": "object", "properties": {"city": {"type": "string", "maxLength": 5000}}},
                                            {"type": "string", "enum": [""]},
                                        ]
                                    },
                                    "balance": {"type": "integer"},
                                    "expand": {"type": "array", "items": {"type": "string", "maxLength": 5000}},
                                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                                },
                            },
                            "encoding": {
                                "address": {"style": "deepObject", "explode": True},
                                "expand": {"style": "deepObject", "explode": True},
                                "metadata": {"style": "deepObject", "explode": True},
                            },
                        }
                    },
                },
                "responses": OK,
            }
        },
        "/v1/charges": {
            "get": {
                "parameters": [
                    query(
                        "created",
                        {"anyOf": [{"type": "object", "properties": {"gt": {"type": "integer"}}, "required": ["gt"]}, {"type": "integer"}]},
                        style="deepObject",
                        explode=True,
                    )
                ],
                "responses": OK,
            }
        },
    },
)

CODE_HOSTING = three(
    "3.0.3",
    {
        "/repos/{owner}/{repo}/contents/{path}": {
            "put": {
                "operationId": "repos/create-or-update-file-contents",
                "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("owner", "repo", "path")],
                "requestBody": body({"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}),
                "responses": OK,
            }
        },
        "/gists": {
            "post": {
                "requestBody": body(
                    {
                        "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "integer", "nullable": True}, "c": {"type": "string"}},
                        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
                    }
                ),
                "responses": OK,
            }
        },
        "/labels": {
            "post": {
                "requestBody": body(
                    {
                        "oneOf": [
                            {"type": "object", "properties": {"labels": {"type": "array", "minItems": 1, "items": {"type": "string"}}}},
                            {"type": "array", "items": {"type": "string"}},
                            {"type": "string"},
                        ]
                    }
                ),
                "responses": OK,
            }
        },
    },
    components={
        "parameters": {
            name: {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("owner", "repo", "path")
        }
    },
)

CLUSTER = {
    "swagger": "2.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/api/v1/namespaces/{namespace}/pods": {
            "parameters": [{"uniqueItems": True, "type": "string", "in": "query", "name": "pretty"}, {"$ref": "#/parameters/namespace"}],
            "post": {
                "consumes": ["*/*"],
                "produces": ["application/json"],
                "operationId": "createCoreV1NamespacedPod",
                "parameters": [{"name": "body", "in": "body", "required": True, "schema": {"$ref": "#/definitions/io.k8s.Pod"}}],
                "responses": OK,
            },
            "delete": {"operationId": "deleteCoreV1CollectionNamespacedPod", "consumes": ["*/*"], "responses": OK},
        },
        "/api/v1/namespaces/{namespace}/pods/{name}": {
            "patch": {
                "consumes": ["application/json-patch+json", "application/merge-patch+json"],
                "parameters": [
                    {"$ref": "#/parameters/namespace"},
                    {"name": "name", "in": "path", "required": True, "type": "string"},
                    {"name": "body", "in": "body", "required": True, "schema": {"type": "object", "description": "a patch"}},
                ],
                "responses": OK,
            }
        },
        "/upload": {
            "post": {
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "tags", "in": "formData", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
                    {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}},
                    {"name": "file", "in": "formData", "type": "file", "required": True},
                ],
                "responses": OK,
            }
        },
    },
    "parameters": {"namespace": {"name": "namespace", "in": "path", "required": True, "type": "string"}},
    "definitions": {
        "io.k8s.Pod": {
            "type": "object",
            "required": ["spec"],
            "properties": {
                "spec": {"$ref": "#/definitions/io.k8s.Spec"},
                "status": {"type": "string", "readOnly": True},
                "port": {"type": "string", "format": "int-or-string"},
            },
        },
        "io.k8s.Spec": {"type": "object", "properties": {"containers": {"type": "array", "items": {"$ref": "#/definitions/io.k8s.Pod"}}}},
    },
}

BUSINESS = three(
    "3.0.1",
    {
        "/users('{id}')/messages": {
            "get": {
                "parameters": [
                    ID,
                    query("$top", {"type": "integer", "minimum": 0}),
                    query(
                        "$select", {"type": "array", "items": {"type": "string", "enum": ["id", "subject"]}}, style="form", explode=False
                    ),
                    query("filter[name]", {"type": "string"}),
                    query("page[size]", {"type": "integer", "maximum": 50, "exclusiveMaximum": True, "minimum": 1}),
                    {"name": "X-Tags", "in": "header", "schema": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}},
                    {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "pattern": "^[a-z]+$"}},
                ],
                "responses": OK,
            }
        },
        "/files/{id}.{format}": {
            "get": {
                "parameters": [ID, {"name": "format", "in": "path", "required": True, "schema": {"enum": ["csv", "xml"]}}],
                "responses": OK,
            }
        },
        "/notes": {"post": {"requestBody": body({"type": "string"}, "text/plain"), "responses": OK}},
        "/feeds": {"post": {"requestBody": body({"type": "object"}, "application/xml"), "responses": OK}},
        "/images": {
            "put": {
                "requestBody": {
                    "required": True,
                    "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}, "image/jpeg": {}},
                },
                "responses": OK,
            }
        },
        "/search": {"get": {"requestBody": body({"type": "object", "properties": {"q": {"type": "string"}}}), "responses": OK}},
        "/legacy?action=list": {"get": {"responses": OK}},
    },
)

MODERN = three(
    "3.1.0",
    {
        "/items": {
            "post": {
                "requestBody": body(
                    {
                        "type": "object",
                        "required": ["kind", "pair"],
                        "properties": {
                            "kind": {"const": "item"},
                            "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}, "minItems": 2},
                            "maybe": {"type": ["integer", "null"], "exclusiveMinimum": 0},
                            "tree": {"$ref": "#/components/schemas/Tree"},
                            "open": {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
                        },
                    }
                ),
                "responses": OK,
            }
        },
        "/pets": {"post": {"requestBody": body({"$ref": "#/components/schemas/Pet"}), "responses": OK}},
        "/batch": {
            "post": {"requestBody": body({"type": "object", "additionalProperties": {"type": "integer"}}), "responses": OK},
            "put": {"requestBody": body(True), "responses": OK},
        },
        "/sessions": {
            "get": {
                "parameters": [{"name": "sid", "in": "cookie", "required": True, "schema": {"type": "string"}}],
                "security": [{"key": [], "app": []}],
                "responses": OK,
            }
        },
    },
    components={
        "schemas": {
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}, "n": {"type": "integer"}}},
            "Pet": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string"}},
                "discriminator": {"propertyName": "type", "mapping": {"cat": "Cat", "dog": "#/components/schemas/Dog"}},
            },
            "Cat": {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"type": "object", "properties": {"lives": {"type": "integer"}}}]},
            "Dog": {"allOf": [{"$ref": "#/components/schemas/Pet"}], "properties": {"bark": {"type": "boolean"}}},
        },
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "app": {"type": "apiKey", "in": "query", "name": "app_id"},
        },
    },
)

DIALECTS = {"payments": PAYMENTS, "code hosting": CODE_HOSTING, "cluster": CLUSTER, "business": BUSINESS, "modern": MODERN}
