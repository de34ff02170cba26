package account

import (
	"image/color"

	"github.com/boombuler/barcode/qr"
)

// A QRCode is a picture of a text as the page draws it: one path of an SVG, no image address, no style, nothing that the
// page's policy would have to allow. It is numbers only.
type QRCode struct {
	Side int // modules to a side, with the quiet zone of four around (ISO/IEC 18004, 9.1)
	Rows []QRRow
}

// A QRRow is one row of modules.
type QRRow struct {
	Y    int
	Runs []QRRun
}

// A QRRun is dark modules beside one another.
type QRRun struct {
	Gap   int // light modules before it
	Width int
}

// drawQR makes a QR code of a text. Error correction M: 15 % of it may be unreadable.
func drawQR(text string) (QRCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return QRCode{}, err
	}
	size := code.Bounds().Dx()
	drawn := QRCode{Side: size + 8}
	for y := range size {
		row, gap := QRRow{Y: y}, 0
		for x := 0; x < size; x++ {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y >= 128 {
				gap++
				continue
			}
			if last := len(row.Runs) - 1; gap == 0 && last >= 0 {
				row.Runs[last].Width++
				continue
			}
			row.Runs, gap = append(row.Runs, QRRun{gap, 1}), 0
		}
		drawn.Rows = append(drawn.Rows, row)
	}
	return drawn, nil
}
