# Builds netcue, puts it in place and takes it out again, and makes a Debian package of it.
PREFIX ?= /usr
DESTDIR ?=
CARGO ?= cargo
CARGO_TARGET_DIR ?= target
BINARY ?= $(CARGO_TARGET_DIR)/release/netcue
UNITS ?= $(PREFIX)/lib/systemd/system
# Empty where no such scripts are wanted.
INIT ?= /etc/init.d

share = $(DESTDIR)$(PREFIX)/share
hooks = $(DESTDIR)$(PREFIX)/lib/netcue/hooks.d
units = $(DESTDIR)$(UNITS)
program = $(PREFIX)/sbin/netcue
pages = $(notdir $(wildcard man/*.[578]))
page_folder = $(share)/man/man$(subst .,,$(suffix $(1)))
# The files that call netcue say where Debian has it.
put = sed 's|/usr/sbin/netcue|$(program)|g' $(1) > $(2) && chmod $(3) $(2)

.PHONY: build
build: $(BINARY)

$(BINARY): Cargo.toml Cargo.lock $(shell find src -type f)
	$(CARGO) build --release --locked
	touch $@

.PHONY: install
install: $(BINARY)
	install -D -m 755 $(BINARY) $(DESTDIR)$(program)
	ln -sf netcue $(DESTDIR)$(PREFIX)/sbin/ipmasq
	$(foreach page,$(pages),install -D -m 644 -t $(call page_folder,$(page)) man/$(page) &&) true
	ln -sf netcue.8 $(share)/man/man8/ipmasq.8
	install -D -m 644 -t $(share)/netcue src/event/event.schema.json
	install -D -m 644 -t $(share)/doc/netcue README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
	install -D -m 644 -t $(share)/doc/netcue/examples docs/netcue.conf
	for folder in $(notdir $(patsubst %/,%,$(wildcard integrations/*/))); do \
	    install -D -m 644 -t $(share)/doc/netcue/integrations/$$folder integrations/$$folder/README.md; \
	done
	install -D -m 644 -t $(share)/doc/netcue/integrations/diald integrations/diald/diald.options
	install -D -m 644 -t $(share)/doc/netcue/integrations/pcmcia integrations/pcmcia/network.opts
	install -d $(share)/bash-completion/completions $(share)/zsh/vendor-completions $(share)/fish/vendor_completions.d
	$(BINARY) completions bash > $(share)/bash-completion/completions/netcue
	$(BINARY) completions zsh > $(share)/zsh/vendor-completions/_netcue
	$(BINARY) completions fish > $(share)/fish/vendor_completions.d/netcue.fish
	install -d -m 755 $(hooks) $(DESTDIR)/etc/netcue/hooks.d
	$(foreach hook,$(wildcard hooks.d/*),install -m 755 $(hook) $(hooks) &&) true
	install -d $(units) $(units)/netcue-.service.d
	$(foreach unit,$(notdir $(wildcard integrations/boot/*.service integrations/boot/*.path)),\
	    $(call put,integrations/boot/$(unit),$(units)/$(unit),644) &&) true
	install -m 644 -t $(units)/netcue-.service.d integrations/boot/hardening.conf
# systemd would run the init scripts besides the units.
	ln -sf netcue-boot-services.service $(units)/netcue.service
	ln -sf /dev/null $(units)/netcue-early.service
	ln -sf /dev/null $(units)/netcue-pre-network.service
ifneq ($(INIT),)
	install -d $(DESTDIR)$(INIT)
	$(foreach script,netcue netcue-early netcue-pre-network,\
	    $(call put,integrations/boot/$(script).init,$(DESTDIR)$(INIT)/$(script),755) &&) true
endif

# What was written by hand stays: /etc/netcue and the journal. Links to the program don't,
# wherever they are: they would call something that is gone.
.PHONY: uninstall
uninstall:
	find $(DESTDIR)/etc -xdev -type l \( -lname '$(program)' -o -lname '*/netcue-boot-*.service' \
	    -o -lname '*/netcue-queue.path' -o -lname '../init.d/netcue*' \) -delete
	rm -f $(DESTDIR)$(program) $(DESTDIR)$(PREFIX)/sbin/ipmasq $(share)/man/man8/ipmasq.8
	rm -f $(foreach page,$(pages),$(call page_folder,$(page))/$(page))
	rm -rf $(share)/netcue $(share)/doc/netcue
	rm -f $(share)/bash-completion/completions/netcue $(share)/zsh/vendor-completions/_netcue \
	    $(share)/fish/vendor_completions.d/netcue.fish
	rm -f $(addprefix $(hooks)/,$(notdir $(wildcard hooks.d/*)))
	-rmdir $(hooks) $(dir $(hooks))
	rm -rf $(units)/netcue.service $(units)/netcue-*.service $(units)/netcue-queue.path $(units)/netcue-.service.d
	$(if $(INIT),rm -f $(addprefix $(DESTDIR)$(INIT)/,netcue netcue-early netcue-pre-network))

# Debian's cargo may be too old; one that rustup has put in place is none that dpkg knows of.
profile = $(shell dpkg-checkbuilddeps 2>/dev/null || echo -Ppkg.netcue.rustup)

.PHONY: deb
deb:
	mkdir -p target/debian
	dpkg-buildpackage --build=binary --no-sign $(profile) \
	    --buildinfo-file=target/debian/netcue.buildinfo --buildinfo-option=-utarget/debian \
	    --changes-file=target/debian/netcue.changes --changes-option=-utarget/debian

# Installs, upgrades, reconfigures, removes and purges the package in a throw-away Debian.
.PHONY: test-package
test-package: deb
	tests/package/run target/debian/netcue_*.deb
