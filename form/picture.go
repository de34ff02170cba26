package form

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

const (
	// maxPixels bounds pictures whose field has no pixels of its own, and is the most that a field may ask for: a decoded
	// picture takes up to 4 bytes a pixel, and 4 more to be made smaller; a progressive one 15. What is [deep]
	// takes twice as much, so it may have half the pixels.
	maxPixels = 50_000_000
	// maxScans bounds how often a progressive JPEG goes over its pixels. Encoders make about ten scans; a file of 1 MB can ask
	// for 40,000, each as slow as the whole picture.
	maxScans = 100
	// maxScanned bounds the pixels of all scans together: those of the largest picture a dozen times, which is half a second.
	maxScanned = 12 * maxPixels
	// jpegQuality is that of the new encoding: hardly to be told from the sent one.
	jpegQuality = 88
)

// redraw decodes a picture and encodes it anew into another file, which takes the place of the sent one. The error is of the
// disk, or the *Refusal of a picture that found no place in the line.
func (f *field) redraw(u *upload, c *content) (problem string, err error) {
	config, ok := pictureConfig(u)
	switch {
	case !ok || config.Width < 1 || config.Height < 1:
		return MsgType, nil
	case int64(config.Width)*int64(config.Height) > int64(f.pixels()):
		return MsgPixels, nil
	case deep(u.typ, config) && int64(config.Width)*int64(config.Height) > int64(f.pixels()/2):
		return MsgDeepPixels, nil
	}
	turn := 1
	if u.typ == "image/jpeg" {
		scans, orientation, err := jpegFacts(u)
		if err != nil {
			return "", err
		}
		if costly(config, scans) {
			return MsgType, nil
		}
		turn = orientation
	}
	if refusal := decoding.enter(c.ctx, c.network); refusal != nil {
		return "", refusal
	}
	defer decoding.leave()
	picture, ok := decodePicture(u)
	if !ok {
		return MsgType, nil
	}
	picture = turned(fitted(picture, f.Fit), turn)
	fresh, err := c.spool.Wait()
	if err != nil {
		return "", err
	}
	out := &summed{to: fresh}
	if err := out.encode(u.typ, picture); err != nil {
		return "", errors.Join(err, fresh.Drop())
	}
	u.drop()
	u.file, u.size, u.sum = fresh, out.n, out.sum
	u.width, u.height = picture.Bounds().Dx(), picture.Bounds().Dy()
	return "", nil
}

// costly reports whether the scans of a JPEG are looked at in a second or more.
func costly(c image.Config, scans int) bool {
	return scans > maxScans || int64(c.Width)*int64(c.Height)*int64(scans) > maxScanned
}

// pixels is the most that a picture of the field may have.
func (f *field) pixels() int {
	if f.Pixels == 0 {
		return maxPixels
	}
	return f.Pixels
}

// deep reports a picture that takes twice the memory of others while it is decoded: one of 16 bits a colour, and a JPEG whose
// colours are not brightness and two differences (of print, or made by Adobe's programs as RGB), 19 to 24 bytes a pixel.
func deep(typ string, c image.Config) bool {
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model, color.CMYKModel:
		return true
	case color.RGBAModel:
		return typ == "image/jpeg"
	}
	return false
}

// pictureConfig reads the head of a picture, and nothing of its pixels.
func pictureConfig(u *upload) (c image.Config, ok bool) {
	in := bufio.NewReader(io.NewSectionReader(u.file, 0, u.size))
	var err error
	switch u.typ {
	case "image/jpeg":
		c, err = jpeg.DecodeConfig(in)
	case "image/png":
		c, err = png.DecodeConfig(in)
	default:
		c, err = gif.DecodeConfig(in)
	}
	return c, err == nil
}

// decodePicture decodes by the decoder of the type that was found, never by one that the bytes choose. A decoder that panics
// has met a file that is none.
func decodePicture(u *upload) (picture image.Image, ok bool) {
	defer func() {
		if recover() != nil {
			picture, ok = nil, false
		}
	}()
	in := bufio.NewReader(io.NewSectionReader(u.file, 0, u.size))
	var err error
	switch u.typ {
	case "image/jpeg":
		picture, err = jpeg.Decode(in)
	case "image/png":
		picture, err = png.Decode(in)
	default:
		picture, err = gif.Decode(in)
	}
	return picture, err == nil
}

// summed counts and hashes what is encoded.
type summed struct {
	to  io.Writer
	n   int64
	sum [sha256.Size]byte
}

func (s *summed) encode(typ string, picture image.Image) (err error) {
	h := sha256.New()
	count := &counted{to: io.MultiWriter(s.to, h)}
	out := bufio.NewWriterSize(count, 64<<10)
	switch typ {
	case "image/jpeg":
		err = jpeg.Encode(out, picture, &jpeg.Options{Quality: jpegQuality})
	case "image/png":
		err = png.Encode(out, picture)
	default:
		err = gif.Encode(out, picture, nil)
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	s.n = count.n
	h.Sum(s.sum[:0])
	return nil
}

type counted struct {
	to io.Writer
	n  int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// fitted makes a picture smaller, so that neither side is longer than fit; 0 leaves it as it is. Each new pixel is the mean of
// those that it stands for.
func fitted(picture image.Image, fit int) image.Image {
	b := picture.Bounds()
	w, h := b.Dx(), b.Dy()
	if fit == 0 || w <= fit && h <= fit {
		return picture
	}
	from := flat(picture)
	width, height := fit, max(1, h*fit/w)
	if h > w {
		width, height = max(1, w*fit/h), fit
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		y0, y1 := y*h/height, max((y+1)*h/height, y*h/height+1)
		for x := range width {
			x0, x1 := x*w/width, max((x+1)*w/width, x*w/width+1)
			var sum [4]uint64
			for sy := y0; sy < y1; sy++ {
				row := from.Pix[sy*from.Stride+4*x0 : sy*from.Stride+4*x1]
				for ; len(row) >= 4; row = row[4:] {
					sum[0] += uint64(row[0])
					sum[1] += uint64(row[1])
					sum[2] += uint64(row[2])
					sum[3] += uint64(row[3])
				}
			}
			n := uint64((y1 - y0) * (x1 - x0))
			at := to.Pix[y*to.Stride+4*x:]
			for i := range sum {
				at[i] = uint8((sum[i] + n/2) / n)
			}
		}
	}
	return to
}

// flat is a picture as RGBA from (0, 0).
func flat(picture image.Image) *image.RGBA {
	b := picture.Bounds()
	if rgba, ok := picture.(*image.RGBA); ok && b.Min == (image.Point{}) {
		return rgba
	}
	to := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(to, to.Bounds(), picture, b.Min, draw.Src)
	return to
}

// turned sets a picture upright by an orientation of EXIF, 1 to 8 (CIPA DC-008, Orientation).
func turned(picture image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return picture
	}
	from := flat(picture)
	w, h := from.Rect.Dx(), from.Rect.Dy()
	width, height := w, h
	if orientation >= 5 {
		width, height = h, w
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			sx, sy := x, y
			switch orientation {
			case 2:
				sx = w - 1 - x
			case 3:
				sx, sy = w-1-x, h-1-y
			case 4:
				sy = h - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, h-1-x
			case 7:
				sx, sy = w-1-y, h-1-x
			case 8:
				sx, sy = w-1-y, x
			}
			copy(to.Pix[y*to.Stride+4*x:][:4], from.Pix[sy*from.Stride+4*sx:][:4])
		}
	}
	return to
}

// jpegFacts counts the scans of a JPEG and reads its orientation. Within the coded pixels a byte 0xff is never followed by
// the marker of a scan; where it stands in metadata it is counted too, which is no harm.
func jpegFacts(u *upload) (scans, orientation int, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(u.file, 0, u.size), 64<<10)
	head, err := in.Peek(int(min(u.size, 64<<10)))
	if err != nil && err != io.EOF {
		return 0, 0, err
	}
	orientation = orientationOf(head)
	buf := make([]byte, 64<<10)
	last := byte(0)
	for {
		n, err := in.Read(buf)
		part := buf[:n]
		if last == 0xff && n > 0 && part[0] == 0xda {
			scans++
		}
		scans += bytes.Count(part, []byte{0xff, 0xda})
		if n > 0 {
			last = part[n-1]
		}
		if err == io.EOF {
			return scans, orientation, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}
