package account

import (
	"html"
	"image/color"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/merlon-web/merlon/page"
)

// drawQR is a QR code as one path of an SVG: no image address, no style, nothing that the page's policy would have to allow.
// Readers need dark on light, so it is black on white in any look, with the quiet zone of four modules (ISO/IEC 18004, 9.1).
func drawQR(text, label string) (page.HTML, error) {
	path, size, err := pathOf(text)
	if err != nil {
		return page.HTML{}, err
	}
	whole := strconv.Itoa(size + 8)
	return page.InsecureHTML("numbers and letters of our own making, and a label of the catalogue, escaped",
		`<svg class="qr" role="img" aria-label="`+html.EscapeString(label)+`" width="240" height="240" viewBox="-4 -4 `+whole+` `+whole+`">`+
			`<path fill="#fff" d="M-4 -4h`+whole+`v`+whole+`h-`+whole+`z"/><path stroke="#000" d="`+path+`"/></svg>`), nil
}

// pathOf is the path of a QR code, of so many modules to a side: lines of width 1 through the middles of the rows of dark
// modules. Error correction M: 15 % of it may be unreadable.
func pathOf(text string) (path string, size int, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, err
	}
	size = code.Bounds().Dx()
	dark := func(x, y int) bool { return color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 }
	var b strings.Builder
	for y := range size {
		at := -1 // where the line of this row ended
		for x := 0; x < size; {
			if !dark(x, y) {
				x++
				continue
			}
			from := x
			for x < size && dark(x, y) {
				x++
			}
			if at < 0 {
				b.WriteString("M" + strconv.Itoa(from) + " " + strconv.Itoa(y) + ".5")
			} else {
				b.WriteString("m" + strconv.Itoa(from-at) + " 0")
			}
			b.WriteString("h" + strconv.Itoa(x-from))
			at = x
		}
	}
	return b.String(), size, nil
}
