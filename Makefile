# The front door. `make` alone lists what there is.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
BIN      = bin/headgate
UNIT     = $(shell $(GO) list ./... | grep -v /integration)

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/headgate
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/headgate

.PHONY: demo
demo: build ## start a gateway, publish the built-in clip, print where to watch it
	@scripts/demo.sh $(BIN)

.PHONY: test
test: clients ## run everything that can run here; says what it skipped and why
	@scripts/test.sh

.PHONY: clients
clients: ## install the real clients of the integration tests (Debian, as root)
	@scripts/need-clients.sh

.PHONY: unit
unit: ## unit tests with the race detector
	$(GO) test -race -shuffle=on $(UNIT)

.PHONY: integration
integration: ## the real binary with real clients
	$(GO) test -count=1 -v ./integration

.PHONY: check
check: ## format, vet, tidy, builds for other systems
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) build ./...
	GOOS=windows $(GO) build ./...
	$(GO) mod tidy -diff
	$(GO) mod verify >/dev/null

.PHONY: lint
lint: ## golangci-lint, built from tools/go.mod
	$(GO) tool -modfile=tools/go.mod golangci-lint run

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@scripts/fuzz.sh

.PHONY: bench
bench: build ## a gateway under load, server and client on a core each; results in bench/
	@scripts/bench.sh $(BIN) bench

.PHONY: bench-links
bench-links: build ## viewers behind lines of 4, 1 and 0.3 Mbit/s, and one that changes (root); 3.5 minutes
	@mkdir -p bench
	$(BIN) bench links --json bench/links.json

.PHONY: microbench
microbench: ## benchmarks of the media path, with allocations
	$(GO) test -run '^$$' -bench . -benchmem ./router ./internal/peer ./internal/egress

.PHONY: soak
soak: ## long runs in real time: lossy links, a thousand sessions, minutes of ffmpeg
	HEADGATE_SOAK=1 $(GO) test -count=1 -v -timeout 60m -run 'Soak' ./internal/gateway ./integration

.PHONY: conformance
conformance: build ## write docs/conformance.md from a run against this gateway
	@scripts/conformance.sh $(BIN) docs/conformance.md

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
