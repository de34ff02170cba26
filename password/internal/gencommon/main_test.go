package main

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	list := "short\nPassword1\npassword1\nsunshine99\nfifteen-letters\nfootball1\n"
	got, err := choose(strings.NewReader(list), 3)
	if want := []string{"fifteen-letters", "password1", "sunshine99"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("chose %q, %v; want %q", got, err, want)
	}
	if _, err := choose(strings.NewReader(list), 0); err == nil {
		t.Error("long passwords were left out without a word")
	}
}
