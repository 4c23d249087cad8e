# Everything a person or CI asks of this repository. `make help` lists it.
# Each target that judges ends with one line of figures, and exits non-zero when its bar is missed.

SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
SEEDS ?= 2000
START ?= 0
INPUTS ?= 10000000

# Where `cargo build` leaves its programs. What is built with `--workspace` shares its dependencies with the tests.
DEBUG := $(or $(CARGO_TARGET_DIR),target)/debug

# Fixed, so that features do not flip between runs and nothing of AWS is compiled.
FAST := contract runtime testkit
HAS_NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

# Where nextest is missing, `cargo test` prints one result for each binary: this adds them up.
define sum_results
awk -v label=$(1) '{ print; fflush() } /^test result:/ { passed += $$4; failed += $$6; ignored += $$8 } \
END { printf "%s: %d passed, %d failed, %d ignored\n", label, passed, failed, ignored; exit failed > 0 || passed == 0 }'
endef

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

GOAL ?= Research competitive pricing for our new product and create a summary report
SOURCES ?= compose/samples/pricing
OUT ?= murmuration-report
AGENTS := research analysis writer recommendation
# The stand-in and everything that works on a goal.
PROGRAMS := murmur embedded-cloud $(AGENTS)

.PHONY: run
run: ## work on GOAL="…" over SOURCES=dir: builds and starts everything, leaves the report in OUT=murmuration-report
	$(CARGO) build --profile quick $(PROGRAMS:%=-p %)
	$(dir $(DEBUG))quick/murmur run "$(GOAL)" $(SOURCES:%=--sources "%") --out "$(OUT)"

PREFIX ?= $(HOME)/.local
SHARE := $(DESTDIR)$(PREFIX)/share
BIN := $(DESTDIR)$(PREFIX)/bin

.PHONY: install
install: ## put murmur, its agents and the stand-in into PREFIX=~/.local, with manual pages and completions
	$(CARGO) build --release $(PROGRAMS:%=-p %)
	install -d "$(BIN)" "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	install -m 755 $(PROGRAMS:%=$(dir $(DEBUG))release/%) "$(BIN)"
	"$(BIN)/murmur" man --out "$(SHARE)/man/man1"
	"$(BIN)/murmur" completions bash > "$(SHARE)/bash-completion/completions/murmur"
	"$(BIN)/murmur" completions zsh > "$(SHARE)/zsh/site-functions/_murmur"
	"$(BIN)/murmur" completions fish > "$(SHARE)/fish/vendor_completions.d/murmur.fish"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo 'install: $(PREFIX)/bin is not on your PATH yet' ;; esac
	@echo "install: $(words $(PROGRAMS)) programs in $(BIN); next: murmur up, or murmur run \"your goal\""

.PHONY: test
test: ## every test of the workspace, with nextest where it is installed
ifeq ($(HAS_NEXTEST),yes)
	$(CARGO) nextest run --workspace
else
	@set -o pipefail; $(CARGO) test --workspace --no-fail-fast 2>&1 | $(call sum_results,test)
endif

.PHONY: test-fast
test-fast: ## the tests of contract, runtime and testkit: nothing of AWS is compiled
ifeq ($(HAS_NEXTEST),yes)
	$(CARGO) nextest run $(FAST:%=-p %) -E 'not test(two_thousand_seeds)'
else
	@set -o pipefail; $(CARGO) test $(FAST:%=-p %) --no-fail-fast -- --skip two_thousand_seeds 2>&1 | $(call sum_results,test-fast)
endif

# What no default build has, so that a look at the code is a look at all of it.
EVERYTHING := aws/bedrock,aws/localstack,aws/ministack,engine/real-model,processes/real-model,processes/outside

.PHONY: lint
lint: ## formatting, clippy with warnings as errors, and the rules of the house (tests/tests/tidy)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features $(EVERYTHING) -- -D warnings
	@set -o pipefail; $(CARGO) test --workspace --test tidy 2>&1 | $(call sum_results,'lint: formatted; clippy clean; rules of the house')

.PHONY: deny
deny: ## licences, bans and sources of all dependencies (cargo-deny, offline)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo 'deny: cargo-deny is missing; install it with: cargo install cargo-deny --locked'; exit 1; }
	$(CARGO) deny --log-level error check bans licenses sources
	@echo "deny: $$(grep -c '^name = ' Cargo.lock) packages, bans ok, licences ok, sources ok"

.PHONY: advisories
advisories: ## known vulnerabilities of all dependencies (cargo-deny, fetches its database)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo 'advisories: cargo-deny is missing; install it with: cargo install cargo-deny --locked'; exit 1; }
	$(CARGO) deny --log-level error check advisories
	@echo "advisories: $$(grep -c '^name = ' Cargo.lock) packages, none but those that deny.toml ignores with a reason"

.PHONY: schemas
schemas: ## write schemas/ anew from the Rust types
	$(CARGO) run -p contract --bin schemas

.PHONY: asyncapi
asyncapi: ## validate schemas/asyncapi.yaml with the official parser (needs node)
	.ci/asyncapi/validate.sh

.PHONY: model
model: ## the protocol's executable model over 2,000 seeds (needs Python 3)
	@command -v python3 >/dev/null || { echo 'model: python3 is missing'; exit 1; }
	python3 docs/protocol_check.py --seeds 2000

.PHONY: sim
sim: ## the simulated world: SEEDS=2000 worlds from START=0; a failing seed prints its command
	$(CARGO) run -p testkit --bin world -- --seeds $(SEEDS) --start $(START)

.PHONY: soak
soak: SEEDS = 100000
soak: ## the simulated world for long: SEEDS=100000
	$(CARGO) run -p testkit --bin world -- --seeds $(SEEDS)

.PHONY: mutants
mutants: ## remove each guard in turn; a named test must fail every time
	$(CARGO) run -p tests --features mutants --bin mutants

.PHONY: fuzz
fuzz: ## decode INPUTS=10000000 generated inputs without a panic
	$(CARGO) run --profile fuzz -p contract --example fuzz -- --inputs $(INPUTS)

# The suites of the adapters, then the four agents as processes; with-server.sh starts the server and stops it.
# Chosen by a filter: everything is built as for `make test`, so that only what the feature touches is built again.
define outside
--workspace --features aws/$(1),processes/outside -E 'binary($(1)) | binary(outside)'
endef
define outside_without_nextest
--workspace --features aws/$(1),processes/outside --test $(1) --test outside
endef
# `--test` alone builds no program of another package.
define outside_programs
$(CARGO) build --workspace --bins --tests --features aws/$(1),processes/outside
endef

.PHONY: test-localstack
test-localstack: ## suites and choreography against real LocalStack 4.14.0 (Docker, or Python 3.13 without)
ifeq ($(HAS_NEXTEST),yes)
	$(CARGO) nextest run --no-run $(call outside,localstack)
	localstack/host/with-server.sh localstack -- $(CARGO) nextest run $(call outside,localstack)
else
	$(call outside_programs,localstack)
	@set -o pipefail; localstack/host/with-server.sh localstack -- $(CARGO) test $(call outside_without_nextest,localstack) 2>&1 | $(call sum_results,test-localstack)
endif

.PHONY: test-ministack
test-ministack: ## suites and choreography against ministack (Python 3.11 or newer)
ifeq ($(HAS_NEXTEST),yes)
	$(CARGO) nextest run --no-run $(call outside,ministack)
	localstack/host/with-server.sh ministack -- $(CARGO) nextest run $(call outside,ministack)
else
	$(call outside_programs,ministack)
	@set -o pipefail; localstack/host/with-server.sh ministack -- $(CARGO) test $(call outside_without_nextest,ministack) 2>&1 | $(call sum_results,test-ministack)
endif

# One question with streaming, one with a schema, and the whole choreography, with a model that runs on this machine.
define real_model
--workspace --features engine/real-model,processes/real-model -E 'binary(providers_real_model) | binary(real_model)'
endef
define real_model_without_nextest
--workspace --features engine/real-model,processes/real-model --test providers_real_model --test real_model
endef

.PHONY: test-real-model
test-real-model: ## a real small model behind llama.cpp's server (Python 3.11; the first run builds llama.cpp)
ifeq ($(HAS_NEXTEST),yes)
	$(CARGO) nextest run --no-run $(real_model)
	tests/real-model/serve.sh $(CARGO) nextest run --no-capture $(real_model)
else
	$(CARGO) build --workspace --bins --tests --features engine/real-model,processes/real-model
	@set -o pipefail; tests/real-model/serve.sh $(CARGO) test $(real_model_without_nextest) -- --nocapture 2>&1 | $(call sum_results,test-real-model)
endif

.PHONY: check-bedrock
check-bedrock: ## the tests of Amazon Bedrock, which no default build has
	@set -o pipefail; $(CARGO) test --workspace --features aws/bedrock --test bedrock 2>&1 | $(call sum_results,check-bedrock)

.PHONY: test-clients
test-clients: ## real boto3, AWS CLI v2 and JavaScript SDK against the stand-in, and every printed snippet (needs Python, aws, node)
	localstack/host/with-server.sh embedded -- localstack/clients/run.sh

.PHONY: compose-check
compose-check: ## validate compose/compose.yaml against the compose specification's schema (needs Python)
	compose/check.sh

.PHONY: kill-standin
kill-standin: ROUNDS ?= 50
kill-standin: ## kill -9 the stand-in ROUNDS=50 times under load; nothing that it answered may be lost
	$(CARGO) build --quiet --workspace --bin killable-cloud --bin kill-standin
	$(DEBUG)/kill-standin $(ROUNDS)

# What rounds of faults start. Built with the whole workspace's features, so that nothing is compiled anew.
FAULTS_SEED ?= 1
define faults_programs
$(CARGO) build --quiet --workspace --bin faults --bin killable-cloud $(AGENTS:%=--bin %)
endef

.PHONY: test-faults
test-faults: ## a slice of every kind of fault on the real daemons, judged by the checker: at most ten minutes
	$(faults_programs)
	$(DEBUG)/faults all --slice --seed $(FAULTS_SEED) --out $(or $(CARGO_TARGET_DIR),target)/faults

.PHONY: faults
faults: ROUNDS ?= 1000
faults: KIND ?= all
faults: ## the same for long: ROUNDS=1000 of each kind, or of KIND=kill|freeze|term|wire|standin|soak
	$(faults_programs)
	$(DEBUG)/faults $(KIND) --rounds $(ROUNDS) --seed $(FAULTS_SEED) --out $(or $(CARGO_TARGET_DIR),target)/faults

.PHONY: provision
provision: ## make what the topology needs in AWS, or where AWS_ENDPOINT_URL says; a second run changes nothing
	$(CARGO) run --quiet -p aws --bin provision

.PHONY: unprovision
unprovision: ## remove all of that again, with everything in it; at AWS, name ACCOUNT=123456789012
	$(CARGO) run --quiet -p aws --bin provision -- --remove $(if $(ACCOUNT),--account $(ACCOUNT))

.PHONY: eval
eval: ## how often one of the first five passages answers, beside SQLite's full-text search (needs Debian's apt)
	bench/eval/manuals.sh target/eval
	$(CARGO) build --quiet --workspace --bin eval
	$(DEBUG)/eval target/eval --judge

.PHONY: bench-delivery
bench-delivery: ## nanoseconds and allocations of one delivery over memory ports
	$(CARGO) bench -p bench --bench delivery

.PHONY: bench-standin
bench-standin: ## the stand-in against its bars: beside ministack through boto3, alone through Rust (needs Python 3.11)
	bench/standin/run.sh

# The programs as `make install` has them; what measures them does without the optimisation that takes minutes.
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
define bench_programs
$(CARGO) build --quiet --release $(PROGRAMS:%=-p %)
$(CARGO) build --quiet --workspace --profile bench --bin choreography-bench --bin scripted-agent
endef

.PHONY: bench
bench: REPEATS ?= 10
bench: ## the choreography as release processes against its bars, about ten minutes: latency, scaling, calls, dollars, memory
	$(bench_programs)
	$(RELEASE)/choreography-bench --programs $(RELEASE) --repeats $(REPEATS) $(if $(ONLY),--only $(ONLY))

.PHONY: bench-daemons
bench-daemons: ONLY = daemons
bench-daemons: bench ## of `make bench` the agents' programs alone: memory, start, size, idle time

.PHONY: bench-figures
bench-figures: ## tables and plots in docs/ of what the benches measured last
	$(CARGO) build --quiet --workspace --profile bench --bin bench-figures
	$(RELEASE)/bench-figures --from $(dir $(RELEASE))bench docs/benchmarks.md docs/cost.md

.PHONY: bench-goals
bench-goals: ## pages among 100,000 goals, and the story of one goal of 50 steps, on the stand-in, against their bars
	$(CARGO) build --quiet --workspace --profile bench --bin goals-bench
	$(RELEASE)/goals-bench

# Where the manuals are unpacked; bench/eval/manuals.sh fetches them there once.
MANUALS ?= target/eval

.PHONY: bench-ingest
bench-ingest: ## 10,000 pages of real manuals read and indexed, and queries over them, against their bars (Debian 12)
	bench/eval/manuals.sh $(MANUALS)
	$(CARGO) build --quiet --workspace --profile bench --bin ingest-bench
	$(RELEASE)/ingest-bench $(MANUALS)/manuals

.PHONY: bench-peers
bench-peers: REPEATS ?= 10
bench-peers: ## the runtime beside a bare loop, boto3, Celery, sqs-consumer and Powertools, REPEATS=10 (needs Python 3.11, Node 20)
	bench/peers/run.sh --repeats $(REPEATS)
