# Puts netcue in place and takes it out again.
PREFIX ?= /usr
DESTDIR ?=
CARGO ?= cargo
BINARY ?= target/release/netcue

share = $(DESTDIR)$(PREFIX)/share
hooks = $(DESTDIR)$(PREFIX)/lib/netcue/hooks.d

target/release/netcue: Cargo.toml Cargo.lock $(shell find src -type f)
	$(CARGO) build --release --locked
	touch $@

.PHONY: install
install: $(BINARY)
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/sbin/netcue
	install -D -m 644 -t $(share)/man/man5 man/netcue.conf.5
	install -D -m 644 -t $(share)/man/man7 man/netcue-event.7 man/netcue-hooks.7
	install -D -m 644 -t $(share)/man/man8 man/netcue.8
	install -D -m 644 -t $(share)/netcue src/event/event.schema.json
	install -D -m 644 -t $(share)/doc/netcue README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT
	for folder in $(notdir $(wildcard integrations/*)); do \
	    install -D -m 644 -t $(share)/doc/netcue/integrations/$$folder integrations/$$folder/*; \
	done
	install -d $(share)/bash-completion/completions $(share)/zsh/vendor-completions $(share)/fish/vendor_completions.d
	$(BINARY) completions bash > $(share)/bash-completion/completions/netcue
	$(BINARY) completions zsh > $(share)/zsh/vendor-completions/_netcue
	$(BINARY) completions fish > $(share)/fish/vendor_completions.d/netcue.fish
	install -d -m 755 $(hooks) $(DESTDIR)/etc/netcue/hooks.d

# What was written by hand stays: /etc/netcue, the journal, and links in other packages' folders.
.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/netcue
	rm -f $(share)/man/man5/netcue.conf.5 $(share)/man/man7/netcue-event.7 \
	    $(share)/man/man7/netcue-hooks.7 $(share)/man/man8/netcue.8
	rm -rf $(share)/netcue $(share)/doc/netcue
	rm -f $(share)/bash-completion/completions/netcue $(share)/zsh/vendor-completions/_netcue \
	    $(share)/fish/vendor_completions.d/netcue.fish
	-rmdir $(hooks) $(dir $(hooks))
