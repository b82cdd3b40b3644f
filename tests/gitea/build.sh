#!/usr/bin/env bash
# Builds Gitea from its Go module, once: tests/gitea/build.sh FOLDER
# It takes about seven minutes on two cores, so the tests that need it run only where `WEFT_GITEA` names the program.
set -euo pipefail
folder=${1:?usage: tests/gitea/build.sh FOLDER}
version=v1.23.8
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ -x "$folder/gitea-$version" ] && exec echo "$folder/gitea-$version"

# Templates and pages are read from beside the sources while it runs, so the copy stays.
source=$(cd "$(mktemp -d)" && go mod download -json "code.gitea.io/gitea@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
copy=$folder/gitea-$version.source
rm -rf "$copy"
cp -r "$source/." "$copy"
chmod -R u+w "$copy"
cd "$copy"
CGO_ENABLED=1 GOWORK=off GOFLAGS=-mod=mod go build -trimpath -tags 'sqlite sqlite_unlock_notify' \
  -ldflags "-s -w -X main.Version=${version#v} -X code.gitea.io/gitea/modules/setting.StaticRootPath=$copy" \
  -o "$folder/gitea-$version" . >&2
echo "$folder/gitea-$version"
