package account

import "github.com/merlon-web/merlon/internal/qr"

// A QRCode is a picture of a text as the page draws it. It is numbers only.
type QRCode = qr.Code
