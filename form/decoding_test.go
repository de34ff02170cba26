package form_test

import (
	"bytes"
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
	for name, c := range map[string]struct {
		parts int
		adobe byte
		want  string
	}{
		"brightness and two differences": {3, 1, ""},
		"as RGB":                         {3, 0, form.MsgDeepPixels},
		"of print":                       {4, 0, form.MsgDeepPixels},
		"of print, as differences":       {4, 2, form.MsgDeepPixels},
	} {
		f, bound, _ := bindUpload[photo](t, sent("Photo", "a.jpg", blankJPEG(1000, 600, c.parts, c.adobe), "Text", "a"))
		if bound.Refusal != nil || f.ProblemID("Photo") != c.want {
			t.Errorf("a JPEG %s: %q (%v), want %q", name, f.ProblemID("Photo"), bound.Refusal, c.want)
		}
	}
}

// blankJPEG is a progressive JPEG with Adobe's mark and one bit for each block.
func blankJPEG(w, h, parts int, adobe byte) []byte {
	b := []byte{0xff, 0xd8}
	segment := func(mark byte, p ...byte) {
		b = append(b, 0xff, mark, byte((len(p)+2)>>8), byte(len(p)+2))
		b = append(b, p...)
	}
	segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, adobe)...)
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(parts)}
	scan := []byte{byte(parts)}
	for i := range byte(parts) {
		frame = append(frame, i+1, 0x11, 0)
		scan = append(scan, i+1, 0)
	}
	segment(0xc2, frame...)
	segment(0xc4, append([]byte{0, 1}, make([]byte, 16)...)...) // one code, of one bit, for 0
	segment(0xda, append(scan, 0, 0, 0)...)
	b = append(b, make([]byte, ((w+7)/8*((h+7)/8)*parts+7)/8+8)...)
	return append(b, 0xff, 0xd9)
}
