// Package api is REST under /api/v1: the channels and who is in them, the member
// streams, what administrators do, messages, invitations and tokens. openapi.yaml
// describes it, and tests compare both.
//
// It knows addresses, bodies, pages of lists and headers. What is allowed and what
// happens is the Backend's business.
package api
