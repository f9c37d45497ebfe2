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
        django-admin makemessages --locale "$(basename "$folder")" \
            --no-location --no-obsolete >/dev/null
        # Two lines of the head that say nothing, and one of them anew each time.
        texts="$folder/LC_MESSAGES/django.po"
        grep -Ev '^"(Report-Msgid-Bugs-To|POT-Creation-Date):' "$texts" >"$place/texts"
        mv "$place/texts" "$texts"
    done
    django-admin compilemessages >/dev/null
)
cp -r "$place/backups/locale" backups/
