package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/merlon-web/merlon"
)

// headerCommand is `backup header`. It needs no site: whoever has lost theirs opens points with their own keys by it, on a
// machine that the recovery key must not come near.
func (p *part) headerCommand() merlon.Command {
	return merlon.Command{Name: "backup header", Args: "POINT", Short: "the header of a point, for recovery open: a point's number, or latest", Example: "latest --from sftp://backup@store.example/site", Apart: true, Anew: true, Run: p.header,
		Flags: []merlon.Flag{
			fromFlag, siteFlag,
			{Name: "set", Usage: "settings of the place: name=value,name=value; they go before those in the data folder, name= leaves one out"},
			receiptFlag,
			{Name: "out", Usage: "the file to write, which must not be there yet; without it header-NUMBER.bin, in this folder"}}}
}

// A wroteHeader is what `backup header` wrote.
type wroteHeader struct {
	File    string    `json:"file"`
	Site    string    `json:"site"`
	Point   string    `json:"point"` // its receipt
	Instant time.Time `json:"instant"`
	Base    int64     `json:"base,omitempty"` // the point with the uploads of before, whose key is wanted too; 0: none
}

// header is `backup header POINT`.
func (p *part) header(ctx context.Context, c *merlon.Call) error {
	asked, err := askedFor(c)
	if err != nil {
		return err
	}
	store, _, known, err := p.openFor(ctx, c, key{})
	if err != nil {
		return err
	}
	defer store.target.Close()
	chosen, err := choose(ctx, c, asked, store, known)
	if err != nil {
		return err
	}
	point := chosen.point
	text, err := store.Header(ctx, point)
	if err != nil {
		return commandError(ctx, err)
	}
	wrote := wroteHeader{File: c.Flag("out"), Site: store.site, Point: point.Receipt().String(), Instant: point.Effective}
	if wrote.File == "" {
		wrote.File = headerName(point.Seq)
	}
	if point.base != nil {
		wrote.Base = point.base.Seq
	}
	if _, err := os.Lstat(wrote.File); !errors.Is(err, os.ErrNotExist) {
		return merlon.Refuse("%s is there already: nothing is written over: name another file by --out", wrote.File)
	}
	if err := writeFile(wrote.File, text); err != nil {
		return merlon.Cannot("%v\n  name another file by --out", err)
	}
	return c.Answer("merlon/backup-header/v1", "header", wrote, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s   point %d of %s\ntake it to the machine with the key: merlon recovery open FILE\n", wrote.File, point.Seq, point.told())
		if wrote.Base != 0 {
			_, err = fmt.Fprintf(out, "the uploads of before lie in point %d: its key is wanted too: backup header %d, with what you gave here\n", wrote.Base, wrote.Base)
		}
		return err
	})
}
