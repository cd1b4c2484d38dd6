# What is done with more than one command; `make` alone lists it.

CARGO ?= cargo
PREFIX ?= /usr
DESTDIR ?=
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
# Empty where there is no Rust, as root often has none.
HOST != rustc -vV 2>/dev/null | sed -n 's/^host: //p'
# Without shared libraries to look for, a call is 0.4 ms shorter; see docs/PERFORMANCE.md.
# --target keeps the flag from what runs only while building.
STATIC = --config 'target.$(HOST).rustflags=["-C","target-feature=+crt-static"]' --target $(HOST)
PROGRAM ?= $(firstword $(wildcard $(TARGET_DIR)/$(or $(HOST),*)/release/netcue) \
    $(TARGET_DIR)/$(HOST)/release/netcue)
APT = DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends

share = $(DESTDIR)$(PREFIX)/share
hooks = $(DESTDIR)$(PREFIX)/lib/netcue/hooks.d
units = $(DESTDIR)$(or $(UNITS),$(PREFIX)/lib/systemd/system)
# Empty where no System V init scripts are wanted.
INIT ?= /etc/init.d
scripts = netcue netcue-early netcue-pre-network netcue-watch
program = $(PREFIX)/sbin/netcue
# What calls netcue says where Debian has it.
put = sed 's|/usr/sbin/netcue|$(program)|g' $(1) > $(2) && chmod $(3) $(2)
shipped = $(filter-out hooks.d/README.md,$(wildcard hooks.d/*))

.DEFAULT_GOAL := help
.PHONY: help build demo test faults fleet fuzz bench pictures install uninstall deb test-package test-kernels test-adopted

help: ## Lists these targets
	@while IFS= read -r line; do case $$line in \
	  [a-z]*:*'## '*) printf '  make %-12s %s\n' "$${line%%:*}" "$${line##*## }" ;; \
	esac; done < $(firstword $(MAKEFILE_LIST))

build: ## Builds the program as it is meant to be installed
	$(CARGO) build --release --locked $(STATIC)

demo: ## Plays a gateway's day with netcue; needs no root and changes nothing here
	@tests/setup demo
	@test -x $(TARGET_DIR)/debug/examples/demo || echo 'Building netcue; this takes a minute or two.'
	@$(CARGO) build --locked --bin netcue --example demo
	@$(TARGET_DIR)/debug/examples/demo $(DEMO)

# TESTS=manual runs those whose name contains "manual".
test: ## Installs what the tests need and runs them all
	tests/setup
	tests/all $(TESTS)

faults: ## Lets something go wrong at every system call, and kills 10,000 times; takes half an hour
	tests/setup
	NETCUE_FAULTS=all NETCUE_KILLS=10000 $(CARGO) test --locked --test it -- \
		--nocapture --test-threads 1 faults:: crash

# GATEWAYS=500 make fleet is done sooner; NETCUE=/path/to/netcue tries another build.
fleet: $(if $(NETCUE),,build) ## Has ten thousand gateways hand on their events, and kills all at it
	tests/setup
	NETCUE=$(or $(NETCUE),$(abspath $(PROGRAM))) NETCUE_FLEET=$(or $(GATEWAYS),10000) \
	    $(CARGO) test --locked --test it -- fleet:: --nocapture --test-threads 1

test-adopted: build ## Compares how scripts of Debian packages run, by their dispatchers and by netcue
	tests/setup
	tests/adopted/run $(abspath $(PROGRAM))

# FUZZ_SECONDS=600 make fuzz looks longer.
fuzz: ## Feeds every parser nonsense for a while
	fuzz/run

# In a network namespace of its own: needs root. NETCUE=/path/to/netcue measures another build.
bench: ## Measures netcue against run-parts and a shell script
	command -v nft ip run-parts flock mount cc strace valgrind >/dev/null || \
		$(APT) nftables iproute2 debianutils util-linux gcc libc6-dev strace valgrind
	$(CARGO) bench --locked --bench peers $(STATIC)

# A PROGRAM given by who calls is taken as it is, and without Rust one that was built before.
pictures: ## Draws the pictures of the README anew; needs root and Chromium
	BLESS=1 cargo test --locked --test it -- the_picture_in_the_readme
	docs/pictures

install: $(if $(filter file,$(origin PROGRAM)),$(if $(HOST),build)) ## Puts netcue in place, under DESTDIR and PREFIX
	@test -x $(PROGRAM) || { echo 'netcue is not built yet: "make build", as a user who has Rust' >&2; exit 1; }
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(program)
	ln -sf netcue $(DESTDIR)$(PREFIX)/sbin/ipmasq
	install -D -m 644 -t $(share)/man/man5 man/netcue.conf.5
	install -D -m 644 -t $(share)/man/man7 man/netcue-event.7 man/netcue-hooks.7 man/netcue-migrate.7
	install -D -m 644 -t $(share)/man/man8 man/netcue.8
	ln -sf netcue.8 $(share)/man/man8/ipmasq.8
	install -D -m 644 -t $(share)/netcue src/event/event.schema.json src/answers/schema/*.schema.json
	install -D -m 644 -t $(share)/doc/netcue README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
	install -D -m 644 -t $(share)/doc/netcue/examples docs/netcue.conf
	install -D -m 755 -t $(share)/doc/netcue/examples/hook examples/hook/70-mydaemon
	install -D -m 644 -t $(share)/doc/netcue/examples/hook/debian examples/hook/debian/mydaemon.install
	install -D -m 644 -t $(share)/doc/netcue/examples/hook/debian/tests examples/hook/debian/tests/control
	install -D -m 755 -t $(share)/doc/netcue/examples/hook/debian/tests examples/hook/debian/tests/netcue
	for folder in $(notdir $(wildcard integrations/*)); do \
	    install -D -m 644 -t $(share)/doc/netcue/integrations/$$folder integrations/$$folder/*; \
	done
	rm $(share)/doc/netcue/integrations/*/netcue*
	install -d $(share)/bash-completion/completions $(share)/zsh/vendor-completions $(share)/fish/vendor_completions.d
	$(PROGRAM) completions bash > $(share)/bash-completion/completions/netcue
	$(PROGRAM) completions zsh > $(share)/zsh/vendor-completions/_netcue
	$(PROGRAM) completions fish > $(share)/fish/vendor_completions.d/netcue.fish
	install -d -m 755 $(hooks) $(DESTDIR)/etc/netcue/hooks.d
	install -m 755 -t $(hooks) $(shipped)
	install -d $(units)
	$(foreach unit,$(wildcard $(addprefix integrations/*/*.,service path socket timer)),\
	    $(call put,$(unit),$(units)/$(notdir $(unit)),644) &&) true
	install -D -m 644 -t $(units)/netcue-.service.d integrations/boot/hardening.conf
# What follows another unit is started with it.
	install -d $(units)/nftables.service.wants
	ln -sf ../netcue-nftables.service ../netcue-nftables-stop.service $(units)/nftables.service.wants
# systemd would run the init scripts besides the units.
	ln -sf netcue-boot-services.service $(units)/netcue.service
	ln -sf /dev/null $(units)/netcue-early.service
	ln -sf /dev/null $(units)/netcue-pre-network.service
ifneq ($(INIT),)
	install -d $(DESTDIR)$(INIT)
	$(foreach script,$(scripts),\
	    $(call put,$(wildcard integrations/*/$(script).init),$(DESTDIR)$(INIT)/$(script),755) &&) true
endif

# What was written by hand stays: /etc/netcue and the journal. Links to the program don't,
# wherever they are: they would call something that is gone.
uninstall: ## Takes out what install put in place
	find $(DESTDIR)/etc -xdev -type l \( -lname '$(program)' -o -lname '*/netcue-boot-*.service' \
	    -o -lname '*/netcue-queue.path' -o -lname '*/netcue-watch.*' -o -lname '*/netcue-ship@.*' -o -lname '*/netcue-metrics.*' -o -lname '../init.d/netcue*' \) -delete
	rm -f $(DESTDIR)$(program) $(DESTDIR)$(PREFIX)/sbin/ipmasq
	rm -f $(share)/man/man5/netcue.conf.5 $(share)/man/man7/netcue-event.7 \
	    $(share)/man/man7/netcue-hooks.7 $(share)/man/man7/netcue-migrate.7 $(share)/man/man8/netcue.8 $(share)/man/man8/ipmasq.8
	rm -rf $(share)/netcue $(share)/doc/netcue
	rm -f $(share)/bash-completion/completions/netcue $(share)/zsh/vendor-completions/_netcue \
	    $(share)/fish/vendor_completions.d/netcue.fish
	rm -f $(patsubst hooks.d/%,$(hooks)/%,$(shipped))
	-rmdir $(hooks) $(dir $(hooks))
	rm -rf $(units)/netcue.service $(units)/netcue-*.service $(units)/netcue-*.path $(units)/netcue-*.socket $(units)/netcue-*.timer $(units)/netcue-.service.d \
	    $(units)/nftables.service.wants/netcue-nftables*.service
	-rmdir $(units)/nftables.service.wants
	$(if $(INIT),rm -f $(addprefix $(DESTDIR)$(INIT)/,$(scripts)))

# Debian 12's own cargo is too old; one that rustup has put in place is none that dpkg knows of.
profile = $(shell dpkg-checkbuilddeps 2>/dev/null || echo -Ppkg.netcue.rustup)

deb: ## Makes a Debian package, in target/debian
	mkdir -p target/debian
	dpkg-buildpackage --build=binary --no-sign --post-clean $(profile) \
	    --buildinfo-file=target/debian/netcue.buildinfo --buildinfo-option=-utarget/debian \
	    --changes-file=target/debian/netcue.changes --changes-option=-utarget/debian

test-package: deb ## Installs, upgrades, removes and boots the package in a throw-away Debian
	lintian --allow-root --fail-on error,warning target/debian/netcue_*.deb
	tests/package/run target/debian/netcue_*.deb
	tests/package/fresh

test-kernels: deb ## Tries the package on the stock kernels of Debian 11, 12 and 13
	tests/kernels/run
