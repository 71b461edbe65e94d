package api

import _ "embed"

// Description is the OpenAPI document of everything under Prefix.
//
//go:embed openapi.yaml
var Description []byte
