#!/usr/bin/env bash
# Builds the programs that the benchmarks compare with, from Go modules, once: benches/peers.sh FOLDER [REFERENCE]
# REFERENCE is the folder of a Go program that renders a corpus of charts by Helm's own library; `charts` needs it.
# helmfile takes about nine minutes on two cores; nothing but the benchmarks needs it.
set -euo pipefail
bin=${1:?usage: benches/peers.sh FOLDER [REFERENCE]}
reference=${2:-}
modules=$(cd "$(dirname "$0")/../crates/engine/src/sandbox/modules" && pwd)
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
export CGO_ENABLED=0 GOWORK=off

install() { # NAME PACKAGE@VERSION
  [ -x "$bin/$1" ] && return
  echo "building $1" >&2
  GOBIN=$bin GOFLAGS=-trimpath go install -ldflags '-s -w' "$2"
}

# kubectl is of the module that the sandbox builds its control plane from, and so of the same version.
kubectl() {
  [ -x "$bin/kubectl" ] && return
  echo "building kubectl" >&2
  local copy version
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' RETURN
  cp "$modules"/kubernetes/* "$copy"
  version=$(sed -n 's/.*k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' "$copy/go.mod" | head -1)
  (cd "$copy" && go build -mod=readonly -trimpath \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$bin/kubectl" k8s.io/kubernetes/cmd/kubectl)
}

# helmfile's module has replace directives, so `go install` refuses it: it is built in a copy of its own folder.
helmfile() {
  [ -x "$bin/helmfile" ] && return
  echo "building helmfile" >&2
  local source copy
  source=$(go mod download -json github.com/helmfile/helmfile@v1.8.0 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  copy=$(mktemp -d)
  trap 'chmod -R u+w "$copy"; rm -rf "$copy"' RETURN
  cp -r "$source/." "$copy"
  chmod -R u+w "$copy"
  (cd "$copy" && go build -trimpath -ldflags '-s -w' -o "$bin/helmfile" .)
}

# Helm's library in one process: `helmref -fixed LIST OUTDIR`.
helmref() {
  [ -x "$bin/helmref" ] && return
  echo "building helmref" >&2
  (cd "$reference" && go build -trimpath -ldflags '-s -w' -o "$bin/helmref" .)
}

install helm helm.sh/helm/v4/cmd/helm@v4.3.1
install kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
install sops github.com/getsops/sops/v3/cmd/sops@v3.13.3
kubectl
helmfile
[ -z "$reference" ] || helmref
