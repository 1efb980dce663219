# Weir. `make help` lists what there is.

CARGO ?= cargo
SCRIPTS = deploy/prepare.sh deploy/protocols.sh tests/all.sh tests/tiers.sh tests/fuzz.sh tests/match_check.sh tests/demo/run.sh $(wildcard tests/labs/case-*.sh) .ci/run
# Never let a toolchain be downloaded behind the user's back.
export RUSTUP_AUTO_INSTALL = 0

SECONDS = 60
SCANS = 1000000
FRAMES = 1000000

.PHONY: help build demo test tiers fuzz seeds match-check cuts xdp-check check bench protocols clean

help: ## show this list
	@awk -F ': *## *' '/^[a-z-]+:.*##/ { split($$1, name, ":"); printf "make %-11s %s\n", name[1], $$2 }' Makefile

build: ## build weir in release mode, as target/release/weir
	@deploy/prepare.sh build
	$(CARGO) build --release --locked -p engine

demo: ## stop a real attack and a real leak between curl and nginx
	@tests/demo/run.sh

test: ## run every test that this machine can run, and list the skipped ones
	@tests/all.sh

tiers: ## test the matcher on vector instructions that this machine may lack, emulated
	@tests/tiers.sh

fuzz: ## fuzz the matcher, the decoder, reassembly and each parser for SECONDS each, 60 unless told otherwise
	@tests/fuzz.sh $(SECONDS)

seeds: ## keep the conversations of the parsers' tests as what the fuzzer begins with
	@deploy/prepare.sh build
	WEIR_FUZZ_SEEDS=$(CURDIR)/tests/fuzz/seeds $(CARGO) test --locked -p dataplane --lib app::

match-check: ## compare random scans with Hyperscan and plain automata, SCANS of each pack
	@tests/match_check.sh $(SCANS)

cuts: ## compare what all dialogues and requests of the corpora come to however they are cut into packets
	@deploy/prepare.sh build
	WEIR_EVERY_CUT=1 $(CARGO) test --locked -p tests --test cuts -- --nocapture

xdp-check: ## compare what the XDP programs read in FRAMES random frames with the decoder, as root
	@deploy/prepare.sh build
	XDP_CHECK_FRAMES=$(FRAMES) $(CARGO) test --locked -p tests --test xdp -- --nocapture

check: ## check format, lints, documentation and scripts
	@deploy/prepare.sh build
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
	@if command -v shellcheck >/dev/null; then set -x; shellcheck -a $(SCRIPTS); \
	else echo "SKIPPED: shellcheck: it is not installed"; fi

bench: ## time each stage of the packet path
	@deploy/prepare.sh build
	$(CARGO) bench --locked -p bench

protocols: ## write the list of protocols into deploy/protocols.md
	@deploy/protocols.sh

clean: ## remove what was built
	$(CARGO) clean
