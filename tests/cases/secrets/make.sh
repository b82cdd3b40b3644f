#!/bin/sh
# Makes the cases of files that sops and age wrote anew: `SOPS=... AGE=... tests/cases/secrets/make.sh`. Needs gpg as well.
# `plain.*` is what sops itself decrypts. Keys are the throwaway ones of the cases.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
sops=${SOPS:-sops} age=${AGE:-age}
one=age14ug5c3vlpdytpv5zlw6se3jcw84hm036zgncwdqzedd3aedu9acsuc3ve5
two=age15zmafafzddnphwhkz2jwn9nkww44nhlzcg4wmztyunmc6tsac32syet5ww
three=age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make CASE EXTENSION KEYS: encrypts $work/plain.EXTENSION by the rules in $work/.sops.yaml.
make() {
    mkdir -p "$1"
    : > "$1/keys.txt"
    for key in $3; do cat "$here/$key/keys.txt" >> "$1/keys.txt"; done
    (cd "$work" && "$sops" --disable-version-check encrypt "plain.$2") > "$1/encrypted.$2"
    cp "$1/encrypted.$2" "$work/encrypted.$2"
    cat "$here/sops-default/keys.txt" "$here/error-wrong-key/keys.txt" > "$work/keys.txt"
    (cd "$work" && SOPS_AGE_KEY_FILE=keys.txt "$sops" --disable-version-check decrypt "encrypted.$2") > "$1/plain.$2"
}

rules() { cat > "$work/.sops.yaml"; }

both="sops-default error-wrong-key"

cat > "$work/plain.json" <<'END'
{"user": "app", "password": "hunter2 <&> \u2028 ü \ud83d\ude00 \"quoted\" \\ \n", "port": 5432, "ratio": 0.25, "big": 1e30,
 "tls": true, "empty": "", "nothing": null, "map": {}, "list": [], "replicas": ["canary-1", {"a": 1, "b": [2, [3]]}],
 "plain_unencrypted": {"number": 1.5, "small": 1e-7, "text": "a<b"}}
END
rules <<END
creation_rules: [{age: $one}]
END
make sops-json json sops-default

rules <<END
creation_rules: [{age: $one, mac_only_encrypted: true, encrypted_regex: "^(password|replicas)$"}]
stores: {json: {indent: 2}}
END
make sops-json-indent json sops-default

cat > "$work/plain.env" <<'END'
# hunter2, the database
USER=app
PASSWORD=hunter2-canary = "quoted" # no comment
EMPTY=
#LINES=off
LINES=one\ntwo
HOST_unencrypted=db.example.com
# the end
END
rules <<END
creation_rules: [{age: "$one,$two"}]
END
make sops-dotenv env sops-default

rules <<END
creation_rules: [{age: $one, mac_only_encrypted: true, encrypted_regex: "^PASS"}]
END
make sops-dotenv-regex env sops-default

printf 'hunter2 canary\nline two\n' > "$work/plain.bin"
rules <<END
creation_rules: [{age: $one, encrypted_regex: none}]
END
make sops-binary bin sops-default
printf 'hunter2 \377\000 canary' > "$work/plain.bin"
make sops-binary-no-text bin sops-default
printf '' > "$work/plain.bin"
make sops-binary-empty bin sops-default

cat > "$work/plain.yaml" <<'END'
# the first document
a: hunter2
list:
- canary
- x: 1
# the end of the first
---
# the second document
b: hunter2-canary
c: {d: 1}
---
e: 1
END
rules <<END
creation_rules: [{age: $one}]
END
make sops-documents yaml sops-default

cat > "$work/plain.yaml" <<'END'
a:
  # hunter2
  b: canary
  c:
  - x: |
      hunter2
      lines
    y: {z: 1}
  - - deep
    - 2
END
for spaces in 2 3; do
    rules <<END
creation_rules: [{age: $one}]
stores: {yaml: {indent: $spaces}}
END
    make sops-indent-$spaces yaml sops-default
done

cat > "$work/plain.yaml" <<'END'
public: readable
# sops:enc the database
# hunter2 of the database
database:
  user: canary
  hosts:
  - canary-1
  - canary-2
port: 1
list:
- readable
# sops:enc
- canary
- also readable
token: hunter2 # sops:enc
inner:
  a: 1
  # sops:enc
  b: canary
  c: 2
other: # sops:enc behind the key
  d: canary
last: readable
END
rules <<END
creation_rules: [{age: $one, encrypted_comment_regex: "sops:enc"}]
END
make sops-encrypted-comment yaml sops-default
rules <<END
creation_rules: [{age: $one, unencrypted_comment_regex: "sops:enc"}]
END
make sops-unencrypted-comment yaml sops-default

cat > "$work/plain.env" <<'END'
HOST=db
# sops:enc
# hunter2
PASSWORD=canary
USER=app
END
rules <<END
creation_rules: [{age: $one, encrypted_comment_regex: "sops:enc"}]
END
make sops-dotenv-comment env sops-default

cat > "$work/plain.yaml" <<'END'
# hunter2
a: canary
END
rules <<END
creation_rules: [{shamir_threshold: 2, key_groups: [{age: [$one]}, {age: [$three]}, {age: [$two]}]}]
END
make sops-groups-2-of-3 yaml "$both"
make sops-groups-one-missing yaml sops-default
rm -f sops-groups-one-missing/plain.yaml
rules <<END
creation_rules: [{key_groups: [{age: [$one, $three]}, {merge: [{age: [$two]}]}]}]
END
make sops-groups-all yaml "$both"
cp "$work/plain.yaml" "$work/kept.yaml"
printf 'A=hunter2\n' > "$work/plain.env"
make sops-groups-dotenv env "$both"
printf '{"a": "hunter2"}' > "$work/plain.json"
make sops-groups-json json "$both"

export GNUPGHOME="$work/gpg"
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'throwaway <throwaway@example.com>' default default never
print=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ {print $10; exit}')
rules <<END
creation_rules: [{age: $one, pgp: "$print"}]
END
make sops-pgp-and-age yaml sops-default
rules <<END
creation_rules: [{pgp: "$print"}]
END
make sops-pgp yaml sops-default
rm sops-pgp/plain.yaml
gpgconf --kill gpg-agent || true

# whole CASE FILE OPTIONS
whole() {
    case=$1 file=$2
    shift 2
    mkdir -p "$case"
    cp sops-default/keys.txt "$case/keys.txt"
    "$age" --encrypt --recipient $one --recipient $two "$@" --output "$case/encrypted.$file.age" "$work/plain.$file"
    cp "$work/plain.$file" "$case/plain.$file.age"
}
whole age-binary yaml
whole age-armored yaml --armor
whole age-json json
whole age-dotenv env --armor
