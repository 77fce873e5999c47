# make help lists the targets.

GO      ?= go
BIN     ?= bin/consoled
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# The product never links C: one static file that runs anywhere.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

# go run builds these outside go.mod, so they never become dependencies.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     = mvdan.cc/gofumpt@v0.12.0

PLATFORMS = linux/amd64 linux/arm64 linux/arm freebsd/amd64 freebsd/arm64 \
	darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help build demo install-deps test bench lint fuzz cross clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS="$$(printf '\t')" read -r t d; do printf '  make %-13s %s\n' "$$t" "$$d"; done

build: ## build bin/consoled, one static binary
	$(BUILD) -o $(BIN) ./cmd/consoled

demo: build ## run a gateway with simulated consoles on 127.0.0.1, nothing to configure
	@$(BIN) demo

install-deps: ## install what the tests need (as root on Debian; elsewhere say what is missing)
	@.ci/install

test: install-deps ## run every test: unit tests with the race detector, then end to end
	@.ci/test

bench: build ## run the benchmarks and the load table, beside Conserver and ConMan where installed
	$(GO) test -run '^$$' -bench . -benchtime 200ms -benchmem ./gateway/record ./gateway/screen ./gateway/config ./gateway/names ./auth ./ports/telnet
	$(GO) test -run '^$$' -bench . -benchtime 1x ./ports/ssh
	$(GO) test -run '^$$' -bench 'Echo|Output|Input' -benchtime 300x ./ports/ipmi
	$(GO) test -run '^$$' -bench Idle -benchtime 1x ./ports/ipmi
	$(GO) run ./cmd/consoled-bench -gateway $(BIN) -against $(BENCHFLAGS)

lint: ## formatting, vet, staticcheck
	@out=$$($(GO) run $(GOFUMPT) -l .) && { [ -z "$$out" ] || { echo "not formatted (gofumpt -w):"; echo "$$out"; exit 1; }; }
	$(GO) vet ./...
	$(GO) vet -tags e2e ./cmd/...
	$(GO) vet -tags uart ./ports
	$(GO) run $(STATICCHECK) -tags e2e,uart ./...

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

cross: ## build for every platform we promise
	@for p in $(PLATFORMS); do \
		echo "build $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(BUILD) -o /dev/null ./... || exit 1; \
	done

clean: ## remove what was built and fetched
	rm -rf bin .cache
