// Package s3 keeps backups in a bucket of a store that speaks Amazon's S3: with object lock nobody can take the points away
// before their time, whoever has the site's own credentials neither.
//
// An address is s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION. Credentials come from the environment
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) or from a file of mode 0600 that the setting "credentials"
// names; never from the address. [Policy] says what they may do at most.
//
// Of the library only what takes a known length is used: its way for unknown ones takes the end of a broken stream for the
// end of the object. Each object goes in one request, signed over the SHA-256 of its bytes, which the store also holds it
// against; an object of more than 5 GiB is refused, since S3 keeps no such hash of objects in parts.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/merlon-web/merlon/backup"
)

const example = "s3://my-bucket/my-site?endpoint=https://s3.eu-central-1.amazonaws.com&region=eu-central-1"

// Scheme opens buckets: list it in backup.Config.Schemes.
var Scheme = backup.Scheme{
	Name:    "s3",
	Example: example,
	Options: []backup.Option{
		{Name: "credentials", What: "a file of mode 0600 with the lines access-key = … and secret-key = …; without it the environment's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are taken"},
		{Name: "ca-file", What: "a PEM file with the authority that signed the store's certificate, when it is none that everybody knows"},
	},
	Open:   open,
	Policy: func(address, site string) (fmt.Stringer, error) { return Policy(address, site, "") },
}

// maxSize is the most that S3 takes in one request, in bytes.
const maxSize = 5 << 30

// A target is one prefix of one bucket. It is made by open and not changed.
type target struct {
	address string
	bucket  string
	base    string // "" or a prefix that ends with a slash
	core    minio.Core
	wire    *http.Transport
	traits  backup.Traits
}

func (t *target) String() string { return t.address }

func (t *target) Traits() backup.Traits { return t.traits }

func (t *target) Close() error {
	t.wire.CloseIdleConnections()
	return nil
}

func open(ctx context.Context, address *url.URL, s backup.Settings) (backup.Target, error) {
	t := &target{address: address.String()}
	wrong := func(advice, format string, args ...any) error {
		// The address is not repeated: what is wrong with it may be a secret in it.
		return &backup.TargetError{Op: "open", Target: "the address given", Kind: backup.ErrAddress, Err: fmt.Errorf(format, args...), Advice: advice}
	}
	place, err := parse(address)
	if err != nil {
		return nil, wrong("write it like "+example, "%w", err)
	}
	t.bucket, t.base = place.bucket, place.base
	keys, err := readKeys(s["credentials"])
	if err != nil {
		return nil, wrong("make a key by the policy that `backup policy s3` prints", "%w", err)
	}
	if t.wire, err = wire(s["ca-file"]); err != nil {
		return nil, wrong("", "%w", err)
	}
	client, err := minio.New(place.host, &minio.Options{
		Creds:           credentials.NewStatic(keys.access.Reveal(), keys.secret.Reveal(), keys.session.Reveal(), credentials.SignatureV4),
		Secure:          place.secure,
		Region:          place.region,
		Transport:       dated{t.wire},
		TrailingHeaders: true, // else it takes no SHA-256
		MaxRetries:      1,    // what an unanswered put means must be asked in between: see try
	})
	if err != nil {
		return nil, wrong("write it like "+example, "%w", err)
	}
	t.core = minio.Core{Client: client}
	if t.traits, err = t.ask(ctx); err != nil {
		t.wire.CloseIdleConnections()
		return nil, err
	}
	return t, nil
}

// ask finds out what the bucket can do.
func (t *target) ask(ctx context.Context) (backup.Traits, error) {
	traits := backup.Traits{Hashes: true, Dates: true}
	err := t.try(ctx, "open", "", func(ctx context.Context) error {
		enabled, _, _, _, err := t.core.GetObjectLockConfig(ctx, t.bucket)
		switch code := minio.ToErrorResponse(err).Code; {
		case err == nil:
			traits.Locks = enabled == "Enabled"
		case code == "ObjectLockConfigurationNotFoundError" || code == "NoSuchObjectLockConfiguration":
		default:
			return err
		}
		if traits.Locks {
			traits.Versions = true // none without the other
			return nil
		}
		versions, err := t.core.GetBucketVersioning(ctx, t.bucket)
		traits.Versions = versions.Enabled()
		return err
	})
	return traits, err
}

// A place is what an address says.
type place struct {
	bucket, base, host, region string
	secure                     bool
}

// parse reads an address whole: what it does not know it refuses.
func parse(address *url.URL) (p place, err error) {
	p.bucket, p.base = address.Host, strings.Trim(address.Path, "/")
	if address.User != nil {
		return p, errors.New("it holds a user or a key: addresses are shown and logged, credentials come from the environment or a file")
	}
	if err := s3utils.CheckValidBucketNameStrict(p.bucket); err != nil {
		return p, fmt.Errorf("it names no bucket: %w", err)
	}
	if p.base != "" {
		if err := backup.ValidName(p.base); err != nil {
			return p, err
		}
		p.base += "/"
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return p, errors.New("what stands behind the question mark cannot be read")
	}
	for name, values := range query {
		if name != "endpoint" && name != "region" || len(values) != 1 {
			return p, errors.New("behind the question mark only endpoint and region may stand, each once")
		}
	}
	if p.region = query.Get("region"); p.region == "" {
		p.region = "us-east-1"
	}
	endpoint := query.Get("endpoint")
	if endpoint == "" {
		endpoint = "https://s3." + p.region + ".amazonaws.com"
	} else if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return p, errors.New("its endpoint is none: https://HOST is wanted, with nothing behind it")
	}
	p.host, p.secure = u.Host, u.Scheme == "https"
	if !p.secure && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return p, fmt.Errorf("its endpoint begins with %s://: only on this machine (loopback) may it be http, anywhere else https", u.Scheme)
	}
	return p, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
