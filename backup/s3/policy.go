package s3

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/merlon-web/merlon/backup"
)

// MostDays is how long a lock may be at most, in days, by the policy of the site's key: the longest class and a month. It
// keeps a clock that jumped, or whoever has the key, from making objects that nobody can delete for decades.
const MostDays = 435

// Papers are what an owner applies at a store, as JSON in the form that Amazon's console and `aws s3api` take; other stores
// take the same or a part of it.
type Papers struct {
	Bucket, Prefix string // what they are about; the prefix ends with a slash or is ""
	Lock           string // the bucket's default lock: object lock is turned on when the bucket is made
	Lifecycle      string // what deletes points when their lock is over, so that no key needs the right to
	Site           string // the policy of the key that the site has
	Owner          string // the policy of a key that reads, for an audit or a restore
}

// String returns the papers with what to do with each.
func (p Papers) String() string {
	var b strings.Builder
	for i, part := range []struct{ title, text string }{
		{"Make the bucket " + p.Bucket + " with object lock (and so versions) on: later it cannot be had everywhere. Then set its default lock:", p.Lock},
		{"The bucket's lifecycle: it deletes what the locks let go, and nothing else does:", p.Lifecycle},
		{"The policy of the key that the site has. It can put and lock, and delete nothing:", p.Site},
		{"The policy of a second key, kept with the recovery kit and never on the server. It reads, for an audit or a restore:", p.Owner},
	} {
		fmt.Fprintf(&b, "%d. %s\n\n%s\n\n", i+1, part.title, part.text)
	}
	b.WriteString("Keep the right to change any of these to yourself, behind a second factor: whoever has it decides what your backups are worth.\n")
	return b.String()
}

// Policy returns the papers for the backups of one site at an address. The site is the name of the folder of its points. A
// principal ("arn:aws:iam::123456789012:user/shop") makes the two policies ones of the bucket; with "" they are ones to
// attach to each key's own user.
//
// Sources: Amazon S3 User Guide, "Locking objects with Object Lock", "Actions, resources, and condition keys for Amazon S3".
func Policy(address, site, principal string) (Papers, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" {
		return Papers{}, fmt.Errorf("%w: write it like %s", backup.ErrAddress, example)
	}
	at, err := parse(u)
	if err != nil {
		return Papers{}, fmt.Errorf("%w: %w; write it like %s", backup.ErrAddress, err, example)
	}
	if err := backup.ValidName(site); err != nil {
		return Papers{}, err
	}
	below := at.base + site + "/"
	p := Papers{Bucket: at.bucket, Prefix: at.base}
	p.Lock = paper(object{"ObjectLockEnabled": "Enabled", "Rule": object{"DefaultRetention": object{"Mode": "COMPLIANCE", "Days": 3}}})
	p.Lifecycle = paper(object{"Rules": rules(below)})

	bucket, objects := "arn:aws:s3:::"+at.bucket, "arn:aws:s3:::"+at.bucket+"/"+below+"*"
	read := []object{
		statement("ReadPoints", "Allow", principal, objects, "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"),
		// Not by a condition on the prefix: probes and restores look at a whole listing, and names tell nothing.
		statement("FindPoints", "Allow", principal, bucket, "s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning"),
	}
	tooLong := statement("NoLockForDecades", "Deny", principal, objects, "s3:PutObjectRetention")
	tooLong["Condition"] = object{"NumericGreaterThan": object{"s3:object-lock-remaining-retention-days": fmt.Sprint(MostDays)}}
	p.Site = document(append([]object{
		statement("PutPoints", "Allow", principal, objects, "s3:PutObject", "s3:PutObjectRetention", "s3:AbortMultipartUpload"),
		statement("DeleteNothing", "Deny", principal, objects, "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectLegalHold"),
		statement("ChangeNothing", "Deny", principal, bucket, "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning",
			"s3:PutBucketObjectLockConfiguration", "s3:PutLifecycleConfiguration", "s3:PutBucketAcl", "s3:DeleteBucket"),
		tooLong,
	}, read...))
	p.Owner = document(read)
	return p, nil
}

// rules are the lifecycle: a day after each class's lock; the marker that this leaves goes when nothing is behind it.
func rules(below string) (all []object) {
	for _, c := range []struct {
		class string
		days  int
	}{{"h", 4}, {"d", 36}, {"w", 101}, {"m", 401}, {"e", MostDays}} {
		prefix := object{"Prefix": below + c.class + "/"}
		all = append(all,
			object{"ID": "merlon-" + c.class, "Status": "Enabled", "Filter": prefix, "Expiration": object{"Days": c.days},
				"NoncurrentVersionExpiration": object{"NoncurrentDays": 1}, "AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1}},
			object{"ID": "merlon-" + c.class + "-markers", "Status": "Enabled", "Filter": prefix, "Expiration": object{"ExpiredObjectDeleteMarker": true}})
	}
	return all
}

type object = map[string]any

func statement(id, effect, principal, resource string, actions ...string) object {
	s := object{"Sid": id, "Effect": effect, "Action": actions, "Resource": resource}
	if principal != "" {
		s["Principal"] = object{"AWS": principal}
	}
	return s
}

func document(statements []object) string {
	return paper(object{"Version": "2012-10-17", "Statement": statements})
}

// paper is JSON with sorted names.
func paper(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // maps of texts and numbers
	}
	return string(text)
}
