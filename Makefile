# Two commands for a newcomer on Debian 12 with Rust: `make demo` and `make test`. Both install what is missing
# and ask for root for nothing else.

PROFILE ?= dev
# Checks licences and who may depend on what; built once by `make lint` where it is missing.
DENY    := 0.20.2
TARGET  := $(or $(CARGO_TARGET_DIR),target)
BIN     := $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# The official validators of SPID and CIE, which tests/labs/validators.rs runs.
VALIDATORS := $(TARGET)/validators

# samael links xmlsec1 and libxml2, and makes its bindings with libclang.
BUILD_PACKAGES := gcc libc6-dev make pkg-config libxml2-dev libxmlsec1-dev libxmlsec1-openssl libssl-dev libltdl-dev libclang-dev
# What a site's router runs.
SITE_PACKAGES  := nftables iproute2 dnsmasq-base tzdata
# What the lab and the tests drive a site with.
LAB_PACKAGES   := conntrack strace iperf3 iputils-ping udhcpc busybox curl socat xmlsec1 openssl redis-server postgresql slapd netcat-openbsd procps util-linux ca-certificates python3-venv python3-cryptography
# Smart cards: tokens with a PIN behind the PKCS#11 engines of curl and OpenSSL, and a browser with a card.
CARD_PACKAGES  := softhsm2 opensc libengine-pkcs11-openssl libnss3-tools chromium

# What the benchmarks are compared with and drive a site with.
BENCH_PACKAGES := nginx-light wrk ethtool iputils-ping opennds iptables

.PHONY: help setup build demo test lint unit validators bench

help:
	@echo 'make demo          a whole site in network namespaces, walked through before your eyes'
	@echo 'make demo CHECK=1  the same without waiting; fails if a step fails'
	@echo 'make test          everything that is tested'
	@echo 'make validators    the official validators of SPID and CIE, below the target folder; tests want them'
	@echo 'make bench         measures, next to what it is compared with, and writes BENCHMARKS.md'
	@echo 'make build         the programs (PROFILE=release for a release)'

# Installs the Debian packages that are missing and says which. Root is needed for this only.
setup:
	@missing=''; for p in $(BUILD_PACKAGES) $(SITE_PACKAGES) $(LAB_PACKAGES) $(CARD_PACKAGES); do \
	  dpkg-query -W -f='$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "Debian packages that are missing:$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then as=''; else as='sudo'; fi; \
	  $$as apt-get update -q && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi
	@command -v cargo >/dev/null || { echo 'Rust 1.95 or later is missing: install its toolchain first' >&2; exit 1; }

build: setup
	cargo build --workspace --bins --locked --profile $(PROFILE)

demo: build
	$(BIN)/varco-lab demo $(if $(CHECK),--check)

test: lint unit

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo check --locked -p varco-audit   # an auditor builds it alone
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version $(DENY)
	cargo deny --locked check bans licenses sources

# Made anew when the list changes. Debian's own Python: the list is for its version.
validators: setup
	@cmp -s tests/validators.txt $(VALIDATORS)/validators.txt || { \
	  rm -rf $(VALIDATORS) && /usr/bin/python3 -m venv $(VALIDATORS) && \
	  $(VALIDATORS)/bin/pip install -qq --disable-pip-version-check --require-hashes --no-deps --no-build-isolation \
	    -r tests/validators.txt && \
	  cp tests/validators.txt $(VALIDATORS)/; }

# The programs are built first: the labs run the real ones.
unit: build validators
	cargo test --workspace --locked --profile $(PROFILE)

# Some half an hour on an idle machine; never part of the tests. BENCH='forward --runs 9' measures one thing. What needs no namespaces
# is `cargo bench`: it prints, and what is worth keeping goes into BENCHMARKS.md by hand.
bench: LAB_PACKAGES += $(BENCH_PACKAGES)
bench: PROFILE := release
bench: build
	$(TARGET)/release/varco-bench $(BENCH) $(if $(BENCH),,--out BENCHMARKS.md)
	$(if $(BENCH),,cargo bench --locked $(addprefix -p ,varco-gateway varco-audit varco-witness varco-hub) --bench '*')
