package attack

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"sync/atomic"
)

// filesMade tells the files apart that are uploaded: the same one in the place of itself changes no data, and whether it was taken
// would not be seen.
var filesMade atomic.Uint32

// honestFile is one of those that an upload says it takes, another one each time: a picture of one pixel, or a text.
func (d field) honestFile() (name, kind string, content []byte) {
	var b bytes.Buffer
	n := filesMade.Add(1)
	spread := n * 0x9e3779b1 // neighbours are far apart, so that they are also when colours are rounded
	dye := color.RGBA{uint8(spread >> 24), uint8(spread >> 16), uint8(spread >> 8), 0xff}
	dot := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{dye})
	takes := func(some ...string) bool {
		for _, one := range some {
			if strings.Contains(d.accept, one) {
				return true
			}
		}
		return false
	}
	switch {
	case d.accept == "" || takes("text/", ".txt"):
	case takes("png", "image/*"):
		_ = png.Encode(&b, dot)
		return "dot.png", "image/png", b.Bytes()
	case takes("jpeg", ".jpg"):
		_ = jpeg.Encode(&b, dot, nil)
		return "dot.jpg", "image/jpeg", b.Bytes()
	case takes("gif"):
		_ = gif.Encode(&b, dot, nil)
		return "dot.gif", "image/gif", b.Bytes()
	case takes("pdf"):
		return "note.pdf", "application/pdf", fmt.Appendf(nil, "%%PDF-1.4\n%% %d\n%%%%EOF\n", n)
	}
	return "note.txt", "text/plain", fmt.Appendf(nil, "note %d", n)
}
