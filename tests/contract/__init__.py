"""The API holds what its OpenAPI document promises."""
