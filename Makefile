# `make` lists the targets. Tools are pinned in tools/go.mod and built by the go command when first used.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod
# integration is a module of its own, so that testcontainers stays out of the library's dependencies.
MODULES := . integration
RACE_TIMEOUT ?= 20m
BENCH ?= .
N ?= 2000000
ARGS ?=
COUNT ?= 6
FILE ?=
CHAOS ?=
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help fmt lint test virtual rolling race integration chaos chaos-short demo bench bench-scale microbench vuln

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

fmt: ## Format all Go files and apply go fix
	@for m in $(MODULES); do (cd $$m && go fix ./... && $(TOOL) gofumpt -l -w .); done

lint: ## Check formatting, vet, golangci-lint and go fix; changes nothing
	@status=0; for m in $(MODULES); do \
		echo "lint $$m"; cd $(CURDIR)/$$m; \
		unformatted="$$($(TOOL) gofumpt -l .)"; \
		[ -z "$$unformatted" ] || { echo "not formatted, run make fmt:"; echo "$$unformatted"; status=1; }; \
		go vet ./... || status=1; \
		go fix -diff ./... || { echo "go fix has changes, run make fmt"; status=1; }; \
		$(TOOL) golangci-lint run --allow-parallel-runners ./... || status=1; \
	done; exit $$status

test: ## Run all tests that need no broker (in-process ones included)
	go test ./...

virtual: ## Run instances and a broker in virtual time, by seeds: make virtual SEEDS='-seed 7 -seeds 500'
	go test -tags synctests -count=1 -timeout 30m -run TestVirtual ./app $(SEEDS)

# The pure packages have no goroutines, which internal/arch tests; the race detector would only slow them.
race: ## Run the tests of the packages with goroutines under the race detector
	@pure="$$(sed -n 's/^pure \([^:]*\):.*/\1/p' internal/arch/imports.txt | paste -sd '|')"; \
	go test -race -timeout $(RACE_TIMEOUT) $$(go list ./... | grep -vE "/leat/($$pure)$$")

integration: ## Run the tests on a real Kafka: LEAT_BROKERS, or Docker, or Java 17 with Maven
	cd integration && go run ./kafka -- sh -c "go test -count=1 -timeout 20m \$$(go list ./... | grep -v /chaos$$) && cd .. && go test -count=1 -timeout 20m ./app ./internal/kafka ./cmd/..."

chaos-short: ## A few minutes of chaos, as a test; SEED=7 draws the same faults again
	cd integration && go test -count=1 -timeout 30m -v ./chaos -seed $(SEED)

chaos: ## Kill, pause and cut off applications and brokers for 20 minutes: make chaos CHAOS='-seed 7 -duration 5m'
	cd integration && go run ./chaos $(CHAOS)

rolling: ## Restart three instances with a gigabyte of state one by one: make rolling ROLLING='-member leave'
	cd integration && go run ./rolling $(ROLLING)

demo: ## Count words on the embedded broker: make demo FILE=book.txt
	go run ./cmd/leat demo wordcount $(FILE)

bench: ## Run the workloads beside Kafka Streams on a real Kafka: make bench N=5000000 ARGS="--workloads W2"
	go build -C integration -o bench/leat-bench ./bench
	cd integration && go run ./kafka -- bench/leat-bench compare --records $(N) $(ARGS)

bench-scale: ## Measure how cost grows with keys, partitions, stores and state: make bench-scale ARGS="--only keys"
	go build -C integration -o bench/leat-bench ./bench
	cd integration && go run ./kafka -- bench/leat-bench scale $(ARGS)

microbench: ## Run the Go benchmarks COUNT times and summarize: make microbench BENCH=Count
	@out="$$(mktemp)"; trap 'rm -f "$$out"' EXIT; \
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... | tee "$$out"; \
	$(TOOL) benchstat "$$out"

vuln: ## Look the dependencies up in Go's vulnerability database (needs the network; no gate)
	$(TOOL) govulncheck ./...
