"""The forms, as the documentation of ModelForm shows them."""
from django import forms

from notes.models import Note, Profile


class TextForm(forms.Form):
    text = forms.CharField()
    file = forms.FileField(required=False)


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["author", "text"]


class AllOfProfile(forms.ModelForm):
    class Meta:
        model = Profile
        fields = "__all__"


class NameOfProfile(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ["name"]


class MostOfProfile(forms.ModelForm):
    class Meta:
        model = Profile
        exclude = ["user"]  # written before is_admin was


class SignInForm(forms.Form):
    username = forms.CharField()
    password = forms.CharField(widget=forms.PasswordInput)
