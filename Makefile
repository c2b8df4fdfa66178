# SPDX-License-Identifier: Apache-2.0
# `make run` and `make test` are all a newcomer needs; both install what is missing first.

.PHONY: run test build release lint format clean

BUILD := swift build --explicit-target-dependency-import-check error

run: ; @Packaging/install-packages build && $(BUILD) && exec Packaging/run

test: ; @Packaging/install-packages build test && Packaging/check

build: ; @Packaging/install-packages build && $(BUILD)

release: ; @Packaging/install-packages build && $(BUILD) -c release --scratch-path .build/release-build

lint: ; @swift format lint --strict --recursive Package.swift Sources Tests

format: ; @swift format --in-place --recursive Package.swift Sources Tests

clean: ; rm -rf .build
