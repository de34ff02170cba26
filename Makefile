# One door: each target is a line that you could type yourself.

.PHONY: help test race lint fuzz bench cover peers ci long

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## every test that this machine has the programs for
	go test ./...

race: ## the same with the race detector, in random order (needs a C compiler)
	go test -race -shuffle=on ./...

lint: ## gofmt, go vet, staticcheck (make peers first)
	.ci/run lint

fuzz: ## every fuzz target, 5 s each; FUZZTIME=1m for longer
	.ci/run fuzz

bench: ## every benchmark once, with allocations
	go test -run='^$$' -bench=. -benchmem ./...

cover: ## statements that the tests reach, by function, into cover.out
	go test -coverprofile=cover.out ./... && go tool cover -func=cover.out

peers: ## build and fetch the programs that tests need (internal/peer/README.md)
	.ci/run peers

ci: ## all that CI does, on a Debian machine, as root when something must be installed
	.ci/run

long: ## CI with a thousand kills, 20 s of each fuzz target and large data
	.ci/long
