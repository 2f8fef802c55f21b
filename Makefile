# The contract: what people and CI call. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := node_modules/.bin
MOCHA := node $(BIN)/mocha
STAMP := node_modules/.package-lock.json
ARGS ?=
SECONDS_FUZZ ?= 60
MINUTES ?= 1
SECONDS_CRASH ?= $(shell expr $(MINUTES) \* 60)
SECONDS_CHAOS ?= $(shell expr $(MINUTES) \* 60)

.PHONY: start build test check compat reference fuzz sim crash chaos bench cover golden clean help

start: build ## install, build and run the broker on 127.0.0.1:9092 (ARGS="--listen 0.0.0.0:9092" for more)
	@exec node dist/odradek.cjs start $(ARGS)

# A declared package that is not there is installed, whatever the stamp says.
ABSENT := $(shell node -p "const p = require('./package.json'); Object.keys({ ...p.dependencies, ...p.devDependencies }).join(' ')" 2>/dev/null | tr ' ' '\n' | \
  while read -r name; do [ -d "node_modules/$$name" ] || echo absent; done | head -1)
.PHONY: absent
absent:

$(STAMP): package-lock.json $(ABSENT)
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $(STAMP)

# BUILT=1 takes what is there: who runs several of the commands one after the other compiles once.
ifdef BUILT
build:
else
build: $(STAMP) ## compile to build/ and bundle the program and the library into dist/
	@rm -rf dist build/test build/compat build/.tsbuildinfo
	@$(BIN)/tsc -p .
	@$(BIN)/rolldown --config rolldown.config.mjs --log-level warn >/dev/null
	@node test/support/entry-points.mjs
	@chmod +x dist/odradek.cjs
endif

test: build ## unit tests; the last line is "N passed, N failed"
	@$(MOCHA)

check: build ## format, lint, dead code, package contents
	$(BIN)/biome check
	$(BIN)/knip
	$(BIN)/publint
	$(BIN)/attw --pack . --profile node16

compat: build ## unmodified clients against a started broker; says what this machine left out
	@node build/compat/report.js $(ARGS)

reference: build ## the same suite and the differential runner against Apache Kafka itself (needs Java and Maven)
	@node build/compat/reference/main.js $(ARGS)

fuzz: build ## random input for SECONDS_FUZZ seconds (60); SEED=N repeats a run
	@node build/test/fuzz/main.js --seconds $(SECONDS_FUZZ) $(if $(SEED),--seed $(SEED))

sim: build ## a broker's life on a failing disk, by seeds: SEEDS=N (100) FROM=N, or SEED=N with its whole trace
	@node build/test/sim/main.js $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100)) $(if $(FROM),--from $(FROM)) \
	  $(if $(PROFILE),--profile $(PROFILE)) $(if $(JOBS),--jobs $(JOBS)) $(if $(SECONDS_SIM),--seconds $(SECONDS_SIM))

# What was written and read is kept until it has been checked: millions of records in a few minutes.
HALF_OF_MEMORY = --max-old-space-size=$$(node -p "Math.floor(require('os').totalmem() / 2 ** 21)")

crash: build ## kill -9 a broker under real clients for MINUTES (1), check what is left; SEED=N, ARGS="--only kafkajs"
	@node $(HALF_OF_MEMORY) build/test/crash/main.js --seconds $(SECONDS_CRASH) $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos: build ## brokers, ZooKeeper and network fail under real clients for MINUTES (1); SEED=N, ARGS="--brokers 5 --only kafkajs"
	@node $(HALF_OF_MEMORY) build/test/chaos/main.js --seconds $(SECONDS_CHAOS) $(if $(SEED),--seed $(SEED)) $(ARGS)

bench: build ## ratios to references measured in the same run
	@node build/test/bench/main.js $(ARGS)

cover: build ## unit tests with coverage
	@$(BIN)/c8 --reporter=text-summary --reporter=html --exclude 'build/test/**' $(MOCHA) --reporter dot

golden: build ## only the vectors recorded from Apache Kafka's own classes
	@$(MOCHA) --grep 'golden|recorded'

clean: ## remove everything that was built
	rm -rf build dist coverage .cache

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'
