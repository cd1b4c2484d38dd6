# What is done with more than one command; `make` alone lists it.

CARGO ?= cargo
PREFIX ?= /usr
DESTDIR ?=
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
HOST != rustc -vV | sed -n 's/^host: //p'
# Without shared libraries to look for, a call is 0.4 ms shorter; see docs/PERFORMANCE.md.
# --target keeps the flag from what runs only while building.
STATIC = --config 'target.$(HOST).rustflags=["-C","target-feature=+crt-static"]' --target $(HOST)
PROGRAM ?= $(TARGET_DIR)/$(HOST)/release/netcue
APT = DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends

share = $(DESTDIR)$(PREFIX)/share
hooks = $(DESTDIR)$(PREFIX)/lib/netcue/hooks.d
shipped = $(filter-out hooks.d/README.md,$(wildcard hooks.d/*))

.DEFAULT_GOAL := help
.PHONY: help build demo test bench install uninstall

help: ## Lists these targets
	@while IFS= read -r line; do case $$line in \
	  [a-z]*:*'## '*) printf '  make %-10s %s\n' "$${line%%:*}" "$${line##*## }" ;; \
	esac; done < $(firstword $(MAKEFILE_LIST))

build: ## Builds the program as it is meant to be installed
	$(CARGO) build --release --locked $(STATIC)

demo: ## Plays a gateway's day with netcue; needs no root and changes nothing here
	@$(CARGO) build --quiet --locked --bin netcue --example demo
	@$(TARGET_DIR)/debug/examples/demo $(DEMO)

test: ## Installs what the tests need and runs them all
	tests/setup
	tests/all

# In a network namespace of its own: needs root. NETCUE=/path/to/netcue measures another build.
bench: ## Measures netcue against run-parts and a shell script
	command -v nft ip run-parts flock mount >/dev/null || \
		$(APT) nftables iproute2 debianutils util-linux
	$(CARGO) bench --locked --bench peers $(STATIC)

install: build ## Puts netcue in place, under DESTDIR and PREFIX
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/sbin/netcue
	install -D -m 644 -t $(share)/man/man5 man/netcue.conf.5
	install -D -m 644 -t $(share)/man/man7 man/netcue-event.7 man/netcue-hooks.7
	install -D -m 644 -t $(share)/man/man8 man/netcue.8
	install -D -m 644 -t $(share)/netcue src/event/event.schema.json src/cli/schema/*.schema.json
	install -D -m 644 -t $(share)/doc/netcue README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
	for folder in $(notdir $(wildcard integrations/*)); do \
	    install -D -m 644 -t $(share)/doc/netcue/integrations/$$folder integrations/$$folder/*; \
	done
	install -d $(share)/bash-completion/completions $(share)/zsh/vendor-completions $(share)/fish/vendor_completions.d
	$(PROGRAM) completions bash > $(share)/bash-completion/completions/netcue
	$(PROGRAM) completions zsh > $(share)/zsh/vendor-completions/_netcue
	$(PROGRAM) completions fish > $(share)/fish/vendor_completions.d/netcue.fish
	install -d -m 755 $(hooks) $(DESTDIR)/etc/netcue/hooks.d
	install -m 755 -t $(hooks) $(shipped)

# What was written by hand stays: /etc/netcue, the journal, and links in other packages' folders.
uninstall: ## Takes out what install put in place
	rm -f $(DESTDIR)$(PREFIX)/sbin/netcue
	rm -f $(share)/man/man5/netcue.conf.5 $(share)/man/man7/netcue-event.7 \
	    $(share)/man/man7/netcue-hooks.7 $(share)/man/man8/netcue.8
	rm -rf $(share)/netcue $(share)/doc/netcue
	rm -f $(share)/bash-completion/completions/netcue $(share)/zsh/vendor-completions/_netcue \
	    $(share)/fish/vendor_completions.d/netcue.fish
	rm -f $(patsubst hooks.d/%,$(hooks)/%,$(shipped))
	-rmdir $(hooks) $(dir $(hooks))
