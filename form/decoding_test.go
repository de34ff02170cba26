package form_test

import (
	"context"
	"image"
	"testing"

	"github.com/merlon-web/merlon/form"
)

// TestGonePictureIsNotDecoded: whoever has gone when the turn comes costs no decoding.
func TestGonePictureIsNotDecoded(t *testing.T) {
	s := &spool{dir: t.TempDir()}
	ctx, leave := context.WithCancel(t.Context())
	spec := form.Form[photo]{}.FormSpec()
	r := postAs("multipart/form-data; boundary=XX", sent("Photo", "a.png", encoded(t, "png", canvas(9, 9)), "Text", "a")).WithContext(ctx)
	b, err := form.ParseUploads(r, form.Limits{Body: spec.Room()}, form.Uploads{Spec: spec, Spool: s})
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if _, bound := form.Bind[photo](b, nil); bound.Refusal == nil || bound.Refusal.Rule.ID != form.RulePictures.ID || bound.Refusal.Status != 503 {
		t.Errorf("refused as %v", bound.Refusal)
	}
	if b.Drop(); s.made != 1 {
		t.Errorf("%d files were made", s.made)
	}
	s.empty(t)
}

// TestDeepPicturesCountDouble: a picture of 16 bits a colour takes twice the memory, so half the pixels are taken.
func TestDeepPicturesCountDouble(t *testing.T) {
	for name, c := range map[string]struct {
		picture image.Image
		want    string
	}{
		"grey, 8 bits":   {image.NewGray(image.Rect(0, 0, 1000, 600)), ""},
		"grey, 16 bits":  {image.NewGray16(image.Rect(0, 0, 1000, 600)), form.MsgDeepPixels},
		"16 bits":        {image.NewNRGBA64(image.Rect(0, 0, 1000, 600)), form.MsgDeepPixels},
		"half, 16 bits":  {image.NewNRGBA64(image.Rect(0, 0, 1000, 500)), ""},
		"solid, 16 bits": {image.NewRGBA64(image.Rect(0, 0, 1000, 600)), form.MsgDeepPixels},
	} {
		f, bound, _ := bindUpload[photo](t, sent("Photo", "a.png", encoded(t, "png", c.picture), "Text", "a"))
		if bound.Refusal != nil || f.ProblemID("Photo") != c.want {
			t.Errorf("%s: %q (%v), want %q", name, f.ProblemID("Photo"), bound.Refusal, c.want)
		}
	}
}
