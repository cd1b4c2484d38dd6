# What one does with netcue's source, a target each; `make` alone lists them.

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

.DEFAULT_GOAL := help
.PHONY: help build demo

help: ## Lists these targets
	@while IFS= read -r line; do case $$line in \
	  [a-z]*:*'## '*) printf '  make %-10s %s\n' "$${line%%:*}" "$${line##*## }" ;; \
	esac; done < $(firstword $(MAKEFILE_LIST))

build: ## Builds target/release/netcue
	$(CARGO) build --release

demo: ## Plays a gateway's day with netcue; needs no root and changes nothing here
	@$(CARGO) build --bin netcue --example demo
	@$(CARGO_TARGET_DIR)/debug/examples/demo $(DEMO)
