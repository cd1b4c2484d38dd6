# What is done with more than one command.

HOST != rustc -vV | sed -n 's/^host: //p'
# A program without shared libraries starts in half the time; see docs/PERFORMANCE.md.
# --target keeps the flag from what runs only while building.
STATIC = --config 'target.$(HOST).rustflags=["-C","target-feature=+crt-static"]' --target $(HOST)
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
APT = DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends

.PHONY: build bench

# The program as it is meant to be installed: $(TARGET_DIR)/$(HOST)/release/netcue.
build:
	cargo build --release $(STATIC)

# netcue against run-parts and a shell script, in a network namespace: needs root.
# NETCUE=/path/to/netcue measures another build.
bench:
	command -v nft ip run-parts flock mount >/dev/null || \
		$(APT) nftables iproute2 debianutils util-linux
	cargo bench --bench peers $(STATIC)
