SWIFT ?= swift
paths := $(wildcard Sources Tests Benchmarks Plugins Package.swift)

# Say what this machine has before doing anything.
$(info swift     $(or $(shell $(SWIFT) --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p'),not found: see CONTRIBUTING.md))
$(info cores     $(shell nproc)$(if $(DD2_THREADS), (DD2_THREADS=$(DD2_THREADS)))$(if $(shell grep -m1 -o avx512f /proc/cpuinfo), with AVX-512))
$(info OpenBLAS  $(or $(shell pkg-config --modversion openblas 2>/dev/null),not found: run scripts/setup.sh))
$(info )

.PHONY: help build install test snapshots lint bench format clean
.DEFAULT_GOAL := build

build: ## dd2 in release mode, at .build/release/dd2 (the default)
	$(SWIFT) build -c release

PREFIX ?= /usr/local
install: ## what 'make' built, with models, completions and man page, into PREFIX=/usr/local
	bash scripts/install.sh "$(DESTDIR)$(PREFIX)"

test: ## all checks, as CI runs them
	bash scripts/test.sh

snapshots: ## rewrite Tests/Snapshots: help and errors as they are now
	DD2_UPDATE_SNAPSHOTS=1 $(SWIFT) test -c release -Xswiftc -enable-testing --filter SnapshotTests

lint: ## formatting and module graph; builds nothing
	bash scripts/test.sh lint

bench: ## time training against PyTorch on the same threads (Benchmarks/README.md)
	bash Benchmarks/run.sh

format: ## reformat the sources in place
	$(SWIFT) format -r -p -i $(paths)

clean: ## remove what was built; runs/ and out/ stay
	$(SWIFT) package clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16
