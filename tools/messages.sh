#!/bin/sh
# Gather the texts to translate, from the app and from its templates, which lie
# outside of it, and compile the translations. Needs gettext.
set -eu
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp -r backups "$place/backups"
cp -r templates "$place/backups/templates"
(
    cd "$place/backups"
    for folder in locale/*/; do
        django-admin makemessages --locale "$(basename "$folder")" --no-location >/dev/null
    done
    django-admin compilemessages >/dev/null
)
cp -r "$place/backups/locale" backups/
