.PHONY: build test
node_modules: package.json
	npm ci
build:
	npx tsc -p .
test: build
	npx mocha
