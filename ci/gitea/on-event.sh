#!/usr/bin/env bash
# For a forge without a runner: what `weft ci listen` runs for each webhook.
#   WEFT_WEBHOOK_SECRET=... GITEA_TOKEN=... GITEA_API_URL=http://gitea:3000/api/v1 \
#     weft ci listen --forge gitea -- ci/gitea/on-event.sh URL [BRANCH]
# It keeps a mirror of the repository at URL in the current folder; BRANCH (main) is the one whose pushes are applied.
set -euo pipefail
url=${1:?usage: on-event.sh URL [BRANCH]}
branch=${2:-main}
mirror=$PWD/mirror.git

[ -d "$mirror" ] || git clone --quiet --mirror "$url" "$mirror"
git -C "$mirror" fetch --quiet --prune

field() { sed -n "s/^ *\"$1\": *\"\([^\"]*\)\".*/\1/p" "$GITHUB_EVENT_PATH" | head -1; }
case $WEFT_EVENT_NAME in
pull_request | pull_request_sync)
  case $(field action) in
  opened | reopened | synchronized | synchronize) exec weft ci plan -C "$mirror" --plans "$PWD/plans" ;;
  esac
  ;;
push)
  # An ordinary push of another branch is no merge.
  [ "$(field ref)" != "refs/heads/$branch" ] || exec weft ci apply -C "$mirror"
  ;;
esac
