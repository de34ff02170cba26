package backup

import (
	"io"
	"os"
	"regexp"

	"github.com/merlon-web/merlon"
)

// A receipt that the owner kept elsewhere is the one thing by which a new machine can tell that a store shows an old state.

var receiptShape = regexp.MustCompile(`\b[0-9]{1,8}:sha256:[0-9a-f]{64}\b`)

// maxReceipt bounds the file that receipts are read from, in bytes.
const maxReceipt = 1 << 20

// readReceipt reads a receipt, or the newest of those in a file; nil for "".
func readReceipt(text string) (*Receipt, error) {
	if text == "" {
		return nil, nil
	}
	if r, err := ParseReceipt(text); err == nil {
		return &r, nil
	}
	f, err := os.Open(text)
	if err != nil {
		return nil, merlon.Misused("--receipt takes a receipt, 4711:sha256:…, or a file that has one in it: %v", err)
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, maxReceipt))
	if err != nil {
		return nil, merlon.Cannot("the file of the receipt cannot be read: %v", err)
	}
	var newest *Receipt
	for _, one := range receiptShape.FindAllString(string(all), -1) {
		if r, err := ParseReceipt(one); err == nil && (newest == nil || r.Seq > newest.Seq) {
			newest = &r
		}
	}
	if newest == nil {
		return nil, merlon.Misused("%s has no receipt in it: it is written as 4711:sha256:… by backup run, backup verify and the site's mails", text)
	}
	return newest, nil
}

// meets refuses a chain that lacks a point that the owner knows of, or has another of its number. One that expired since is
// known by its link, or by what came after it. The link of an hourly point that was the newest may be missing once its time is
// over: nothing tells it then from one that was taken away, and it is refused too.
func meets(faults ChainErrors, known Receipt) error {
	for _, f := range faults {
		if f.known {
			return merlon.Refuse("nothing was restored: %v\n  your receipt names point %d\n  ask the store for the right state, or another target; if the site was down for more than three days an hourly point may be past its time\n  without --receipt what is here is restored all the same", f, known.Seq)
		}
	}
	return nil
}
