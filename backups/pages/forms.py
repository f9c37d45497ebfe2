"""What a superuser can enter."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from backups.cron import CronError, Schedule
from backups.names import CREATE_PATTERN, MAX_CREATE_LENGTH, is_create_name
from backups.templatetags.backups_words import localized

PRESETS = (
    ("0 0 * * *", _("every day at midnight")),
    ("0 0 * * 0", _("every Sunday at midnight")),
    ("0 0 * * 1,3", _("every Monday and Wednesday at midnight")),
    ("0 0 1 * *", _("on the first day of each month")),
)


class CreateForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        required=False,
        help_text=_(
            "Small letters, digits, - and _. Empty for one made from the time."
        ),
        widget=forms.TextInput(
            attrs={
                "pattern": CREATE_PATTERN.pattern.replace("_-", r"_\-"),
                "maxlength": MAX_CREATE_LENGTH,
                "placeholder": "before-upgrade.zip",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if name and not is_create_name(name):
            raise ValidationError(
                _("Use small letters, digits, - and _, and end it in .zip.")
            )
        return name


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Archive"), widget=forms.FileInput(attrs={"accept": ".zip"})
    )


class ConfirmForm(forms.Form):
    """The name of the backup, typed by whoever wants it gone or restored."""

    name = forms.CharField(
        label=_("Type the name of the backup to go on"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, key: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        self.fields["name"].widget.attrs["data-must-equal"] = key

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if name != self.key:
            raise ValidationError(_("That is not the name; nothing was changed."))
        return name


class RestoreForm(ConfirmForm):
    safety_copy = forms.BooleanField(
        label=_("Save the present state first, so that this can be undone"),
        required=False,
        initial=True,
    )


class SettingsForm(forms.Form):
    cron = forms.CharField(
        label=_("Schedule"),
        required=False,
        help_text=_(
            "Minute, hour, day, month, weekday, in UTC; or a macro such as @daily."
            " Empty for none."
        ),
        widget=forms.TextInput(
            attrs={"list": "backups-presets", "placeholder": "0 3 * * *"}
        ),
    )
    keep = forms.IntegerField(
        label=_("Automatic backups to keep"), min_value=1, max_value=10_000
    )

    def clean_cron(self) -> str:
        text = self.cleaned_data["cron"]
        try:
            if text:
                Schedule.parse(text)
        except CronError as error:
            raise ValidationError(localized(error.text)) from error
        return text
