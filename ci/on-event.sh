#!/usr/bin/env bash
# For a forge without a runner: what `weft ci listen` runs for each webhook.
#   WEFT_WEBHOOK_SECRET=... GITEA_TOKEN=... GITEA_API_URL=http://gitea:3000/api/v1 \
#     weft ci listen --forge gitea -- ci/on-event.sh URL [BRANCH]
# It keeps a mirror of the repository at URL in the current folder; BRANCH (main) is the one whose pushes are applied.
set -euo pipefail
url=${1:?usage: on-event.sh URL [BRANCH]}
branch=${2:-main}
mirror=$PWD/mirror.git

[ -d "$mirror" ] || git clone --quiet --mirror "$url" "$mirror"
git -C "$mirror" fetch --quiet --prune

case $WEFT_EVENT_NAME in
pull_request | pull_request_sync | "Merge Request Hook")
  case $WEFT_EVENT_ACTION in
  opened | reopened | synchronized | synchronize | open | reopen | update)
    exec weft ci plan -C "$mirror" --plans "$PWD/plans"
    ;;
  esac
  ;;
push | "Push Hook")
  # An ordinary push of another branch is no merge.
  [ "$WEFT_EVENT_REF" != "refs/heads/$branch" ] || exec weft ci apply -C "$mirror"
  ;;
esac
