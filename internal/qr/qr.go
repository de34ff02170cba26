// Package qr draws QR codes as numbers: a page or a printed sheet makes one path of an SVG of them.
package qr

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// A Code is a picture of a text as a page draws it: one path of an SVG, no image address, no style, nothing that the page's
// policy would have to allow. It is numbers only.
type Code struct {
	Side int // modules to a side, with the quiet zone of four around (ISO/IEC 18004, 9.1)
	Rows []Row
}

// A Row is one row of modules.
type Row struct {
	Y    int
	Runs []Run
}

// A Run is dark modules beside one another.
type Run struct {
	Gap   int // light modules before it
	Width int
}

// Draw makes a QR code of a text. Error correction M: 15 % of it may be unreadable.
func Draw(text string) (Code, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return Code{}, err
	}
	size := code.Bounds().Dx()
	drawn := Code{Side: size + 8}
	for y := range size {
		row, gap := Row{Y: y}, 0
		for x := 0; x < size; x++ {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y >= 128 {
				gap++
				continue
			}
			if last := len(row.Runs) - 1; gap == 0 && last >= 0 {
				row.Runs[last].Width++
				continue
			}
			row.Runs, gap = append(row.Runs, Run{gap, 1}), 0
		}
		drawn.Rows = append(drawn.Rows, row)
	}
	return drawn, nil
}

// Path returns the d of an SVG path that fills the dark modules, in a view box of Side × Side.
func (c Code) Path() string {
	var b strings.Builder
	for _, row := range c.Rows {
		x := 4
		for _, run := range row.Runs {
			x += run.Gap
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, row.Y+4, run.Width, run.Width)
			x += run.Width
		}
	}
	return b.String()
}
